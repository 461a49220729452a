"""What the gateway itself promises: nothing lost while a backend is down, content removed, what matters sampled."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from opentelemetry.util.types import AttributeValue

from otelml.semconv import attributes, events
from tests.backends.gateway import Gateway, start_gateway
from tests.backends.prepare import Unavailable
from tests.backends.running import eventually, free_ports
from tests.backends.sending import Backend, Source, failed, span_names

pytestmark = pytest.mark.slow

needs_contrib = pytest.mark.skipif(
    shutil.which("otelcol-contrib") is None,
    reason="no otelcol-contrib on the PATH, and the Collector's core can neither redact nor sample",
)
WORDS = "my card is 4242 4242 4242 4242"


@pytest.fixture
def backend() -> Backend:
    """A backend that is down."""
    return Backend(free_ports(1)[0])


@pytest.fixture
def gateway(backend: Backend, tmp_path: Path) -> Iterator[Gateway]:
    """The Collector with gateway.yaml and exporters/otlp.yaml, keeping no trace but for a reason."""
    environment = {"BACKEND_OTLP_URL": backend.url, "BACKEND_AUTHORIZATION": "none", "SAMPLING_PERCENTAGE": "0"}
    with ExitStack() as stack:
        try:
            yield start_gateway(stack, ["otlp"], environment, tmp_path)
        except Unavailable as reason:
            pytest.skip(str(reason))


def test_a_backend_that_was_down_gets_everything(gateway: Gateway, backend: Backend) -> None:
    """Spans that are sent while the backend refuses connections are all there, once, when it is back."""
    source = Source(gateway.http)
    names = [f"span {number:04}" for number in range(1500)]
    for name in names:
        with source.tracer.start_as_current_span(name) as span:
            failed(span)  # so that sampling keeps it
    source.send()
    with backend:
        arrived = eventually(lambda: span_names(backend), lambda found: len(found) >= len(names), seconds=60)
    assert arrived == names


@needs_contrib
def test_traces_that_matter_are_kept(gateway: Gateway, backend: Backend) -> None:
    """With a share of 0, errors, slow calls, training, drift, safety and candidates are kept, and nothing else."""
    source = Source(gateway.http)
    tracer = source.tracer
    reasons: dict[str, dict[str, AttributeValue]] = {
        "training": {attributes.ML_OPERATION_NAME: "fit"},
        "check": {attributes.ML_OPERATION_NAME: "detect_drift"},
        "drift": {attributes.ML_DRIFT_STATE: "drifted"},
        "safety": {attributes.ML_GEN_AI_SAFETY_CATEGORY: "pii"},
        "filtered": {attributes.GEN_AI_RESPONSE_FINISH_REASONS: ("content_filter",)},
        "candidate": {attributes.ML_ROLLOUT_VARIANT: "candidate"},
        "ordinary": {attributes.ML_OPERATION_NAME: "predict", attributes.ML_DRIFT_STATE: "ok"},
        "answered": {attributes.GEN_AI_RESPONSE_FINISH_REASONS: ("stop",)},
    }
    now = time.time_ns()
    with backend:
        for name, about in reasons.items():
            tracer.start_span(name, attributes=about, start_time=now).end(now + 1_000_000)
        failing = tracer.start_span("error", start_time=now)
        failed(failing)
        failing.end(now + 1_000_000)
        tracer.start_span("slow", start_time=now).end(now + 3_000_000_000)
        noted = tracer.start_span("noted", start_time=now)
        noted.add_event(events.ML_GEN_AI_SAFETY_FINDING.name)
        noted.end(now + 1_000_000)
        source.send()
        kept = sorted({*reasons, "error", "slow", "noted"} - {"ordinary", "answered"})
        assert eventually(lambda: span_names(backend), lambda found: len(found) >= len(kept)) == kept


@needs_contrib
def test_content_stays_behind(gateway: Gateway, backend: Backend) -> None:
    """Attributes with content are removed from spans and their events, and the others stay."""
    source = Source(gateway.http)
    with backend:
        with source.tracer.start_as_current_span("chat") as span:
            failed(span)
            span.set_attribute(attributes.GEN_AI_INPUT_MESSAGES, WORDS)
            span.set_attribute(attributes.GEN_AI_REQUEST_MODEL, "small")
            span.add_event("details", {attributes.GEN_AI_OUTPUT_MESSAGES: WORDS})
        source.send()
        assert eventually(lambda: span_names(backend), bool) == ["chat"]
    assert backend.span().attributes == {attributes.GEN_AI_REQUEST_MODEL: "small"}
    assert not any(WORDS.encode() in request.SerializeToString() for request in backend.requests())
