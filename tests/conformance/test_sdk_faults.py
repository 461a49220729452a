"""Parts of the SDK that an application configures, and that raise: the host gets what it would have got."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.metrics import ExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from tests.conformance.hook import HOOKS, Hook, hook
from tests.support.telemetry import Telemetry


class SDKFault(Exception):
    """What the faulty parts raise, until they are repaired."""

    repaired = False


def _fault(*_args: Any, **_kwargs: Any) -> Any:
    if not SDKFault.repaired:
        raise SDKFault


class FaultyStart(SpanProcessor):
    on_start = _fault


class FaultyEnd(SpanProcessor):
    on_end = _fault


class FaultySampler(Sampler):
    should_sample = _fault

    def get_description(self) -> str:
        return "faulty"


class FaultyLogs(LogRecordProcessor):
    on_emit = _fault

    def shutdown(self) -> None:
        """Nothing to close."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class FaultyExemplars(ExemplarFilter):
    should_sample = _fault


def _span_processor(processor: SpanProcessor) -> Callable[[Telemetry], None]:
    return lambda telemetry: telemetry.tracer_provider.add_span_processor(processor)


def _sampler(telemetry: Telemetry) -> None:
    telemetry.tracer_provider = TracerProvider(FaultySampler(), shutdown_on_exit=False)


def _logs(telemetry: Telemetry) -> None:
    telemetry.logger_provider.add_log_record_processor(FaultyLogs())


def _measurements(telemetry: Telemetry) -> None:
    telemetry.meter_provider.shutdown()
    telemetry.metric_reader = InMemoryMetricReader()
    telemetry.meter_provider = MeterProvider(
        [telemetry.metric_reader], exemplar_filter=FaultyExemplars(), shutdown_on_exit=False
    )


FAULTS = {
    "span processor, start": _span_processor(FaultyStart()),
    "span processor, end": _span_processor(FaultyEnd()),
    "sampler": _sampler,
    "log record processor": _logs,
    "exemplar filter": _measurements,
}


@pytest.mark.parametrize("part", FAULTS)
@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.usefixtures("contained_faults")
def test_fault_of_the_sdk(name: str, part: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's result and exception are the same objects, its context is left alone, and every call is counted."""
    case = hook(name)
    case.load()
    FAULTS[part](telemetry)
    instrumentor = case.make_instrumentor()
    instrumentor.instrument(**telemetry.providers)
    try:
        _assert_host_unharmed(case)
    finally:
        instrumentor.uninstrument()
    monkeypatch.setattr(SDKFault, "repaired", True)
    assert telemetry.total(case.calls.name) == 6
    telemetry.complaints.clear()


def _assert_host_unharmed(case: Hook) -> None:
    result, error = object(), KeyError("the host's")
    for _ in range(3):
        assert case.call(case.returning(result)) is result
        with pytest.raises(KeyError) as raised:
            case.call(case.raising(error))
        assert raised.value is error
        assert raised.value.__context__ is None
        assert not context.get_current()


@pytest.mark.parametrize("name", HOOKS)
def test_metrics_are_collected_while_another_callback_raises(
    name: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A faulty asynchronous instrument of the application's leaves ours alone."""
    case = hook(name)
    case.load()
    telemetry.meter_provider.get_meter("shop").create_observable_gauge("shop.open", [lambda _options: _fault() or []])
    instrumentor = case.make_instrumentor()
    instrumentor.instrument(**telemetry.providers)
    try:
        case.call(case.returning(1))
        assert telemetry.total(case.calls.name) == 1
    finally:
        instrumentor.uninstrument()
    monkeypatch.setattr(SDKFault, "repaired", True)
    assert telemetry.complaints
    telemetry.complaints.clear()
