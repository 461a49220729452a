"""Streams in numbers, without a client: each has one span, and nothing is kept of them."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.context import get_current

from otelml.observations.genai import TokenUsage
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.settings import resolve
from otelml.telemetry.genai import (
    Answer,
    Endpoint,
    GenAIOperation,
    GenAITelemetry,
    Request,
    Server,
    StreamState,
    wrapped,
)
from otelml.telemetry.genai.abandoned import UNDERTAKER
from tests.support.telemetry import Telemetry

MISSING = names.ML_GEN_AI_USAGE_STATUS


class Collector:
    """Counts a token a chunk."""

    def __init__(self, _with_text: bool) -> None:
        self.tokens = 0

    def add(self, _chunk: object) -> None:
        self.tokens += 1

    def answer(self) -> Answer:
        return Answer(usage=TokenUsage(output=self.tokens))


class Silent(Collector):
    """Of a stream that tells no tokens."""

    def answer(self) -> Answer:
        return Answer()


ENDPOINT = Endpoint(lambda model: Request("chat", model, {}), collector=Collector)
SERVER = Server("openai", "api.openai.com")


class Stream:
    """A stream of a library: five chunks, and an error for one in ten."""

    def __init__(self, error: BaseException | None) -> None:
        self.left: list[Any] = [1, 2, 3, 4, 5]
        self.error = error

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self.left:
            raise self.error or StopIteration
        return self.left.pop()

    def close(self) -> None:
        self.left.clear()


def begun(core: GenAITelemetry) -> GenAIOperation:
    """A call that asked for a stream."""
    operation = core.start(ENDPOINT, "m", SERVER, get_current())
    assert operation is not None
    return operation


@pytest.mark.parametrize("number", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_many_streams_at_once_have_one_span_each(telemetry: Telemetry, number: int) -> None:
    """Read in turns; a tenth is dropped, a tenth closed, a tenth fails: one span each, and nothing of them is left."""
    core = GenAITelemetry("otelml.tests", **telemetry.providers)
    order = random.Random(0)
    streams: list[Any] = []
    for index in range(number):
        error = TimeoutError() if index % 10 == 2 else None
        streams.append(wrapped(Stream(error), begun(core), Collector))
    for _ in range(2):
        for stream in streams:
            next(stream)
    for index in range(0, number, 10):
        streams[index] = None
        streams[index + 1].close()
    for stream in order.sample(streams, number):
        if stream is not None and stream.left:
            try:
                list(stream)
            except TimeoutError:
                continue
    del stream, streams
    gc.collect()
    UNDERTAKER.flush()
    deadline = time.monotonic() + 10  # the thread may have one that is not in the queue any more
    while len(telemetry.span_exporter.get_finished_spans()) < number and time.monotonic() < deadline:
        time.sleep(0.01)

    spans = telemetry.span_exporter.get_finished_spans()
    assert len(spans) == len({span.context.span_id for span in spans if span.context}) == number
    tenth = number // 10
    assert sum(names.ML_GEN_AI_RESPONSE_ABANDONED in (span.attributes or {}) for span in spans) == 2 * tenth
    assert sum(names.ERROR_TYPE in (span.attributes or {}) for span in spans) == tenth
    points = telemetry.points(metrics.GEN_AI_CLIENT_OPERATION_DURATION.name)
    assert sum(point.count or 0 for point in points) == number
    gc.collect()
    assert [it for it in gc.get_objects() if issubclass(type(it), (GenAIOperation, StreamState))] == []


def test_tokens_without_an_input_are_told(telemetry: Telemetry) -> None:
    """A stream that tells one side only is neither missing nor zero on the other."""
    core = GenAITelemetry("otelml.tests", **telemetry.providers)

    stream: Any = wrapped(Stream(None), begun(core), Collector)
    assert len(list(stream)) == 5

    found = telemetry.span("chat m").attributes
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 5
    assert names.GEN_AI_USAGE_INPUT_TOKENS not in found
    assert MISSING not in found


def test_what_follows_the_end_while_tokens_are_counted(telemetry: Telemetry) -> None:
    """A stream that has ended has neither failed nor been left, whatever is done with it then."""
    core = GenAITelemetry("otelml.tests", **telemetry.providers)
    core.configure(resolve({"genai_tokenizers": (lambda _model: len,)}, {}))
    endpoint = Endpoint(lambda model: Request("chat", model, {"stream": True}), collector=Silent, said=str)
    operation = core.start(endpoint, "m", SERVER, get_current())
    assert operation is not None
    state = StreamState(operation, Silent(False))
    counting = threading.Event()

    def wait() -> None:
        counting.wait(10)

    UNDERTAKER.take(wait)

    state.take("four")
    state.finish()
    state.fail(TimeoutError())
    state.leave()
    counting.set()
    UNDERTAKER.flush()

    span = telemetry.span("chat m")
    assert span.status == "UNSET"
    assert span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 4
    assert span.attributes[MISSING] == "estimated"
    assert names.ML_GEN_AI_RESPONSE_ABANDONED not in span.attributes
