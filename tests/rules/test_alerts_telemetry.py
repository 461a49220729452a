"""Alerts on the telemetry itself fire when they must, and are silent when they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelml.rules.limits import default_limits
from otelml.rules.packs import telemetry
from otelml.rules.promql import Series
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.rules.promtool import Case, counter, gauge, made, missing, run

GROUP = [telemetry.group(default_limits()["telemetry"])]
CHURN = {names.ML_MODEL_NAME: "churn"}
RECORDED = Series(metrics.ML_TELEMETRY_RECORDED)


def test_telemetry_faults(tmp_path: Path) -> None:
    """The first fault of a place fires; an old one doesn't."""
    series = Series(metrics.ML_TELEMETRY_FAULTS)
    fault = {names.ML_TELEMETRY_SITE: "sklearn.extract", names.ERROR_TYPE: "KeyError"}
    cases = [
        Case("first", "TelemetryFaults", 1, 22, [made(series, fault, f"{missing(20)} 1x19")]),
        Case("old", "TelemetryFaults", 0, 22, [made(series, fault, gauge((40, 1)))]),
    ]
    run(tmp_path, GROUP, cases)


def test_telemetry_barely_recorded(tmp_path: Path) -> None:
    """One call in ten thousand fires after an hour; one in a hundred doesn't; spans are no matter."""
    signal, kinds = names.ML_TELEMETRY_SIGNAL, names.TelemetrySignal

    def share(kind: str, value: float) -> list[tuple[str, str]]:
        return [made(RECORDED, {**CHURN, signal: kind}, gauge((90, value)))]

    cases = [
        Case("few", "TelemetryBarelyRecorded", 1, 89, share(kinds.DURATION, 0.0001)),
        Case("some", "TelemetryBarelyRecorded", 0, 89, share(kinds.DURATION, 0.01)),
        Case("spans", "TelemetryBarelyRecorded", 0, 89, share(kinds.SPAN, 0.0001)),
    ]
    run(tmp_path, GROUP, cases)


def test_telemetry_gone(tmp_path: Path) -> None:
    """Series of an hour ago and none now fire; a replica that replaced another doesn't."""
    one = made(RECORDED, CHURN, gauge((60, 1)), instance="a")
    other = made(RECORDED, CHURN, f"{missing(55)} 1x60", instance="b")
    cases = [
        Case("gone", "TelemetryGone", 1, 100, [one]),
        Case("replaced", "TelemetryGone", 0, 100, [one, other]),
    ]
    run(tmp_path, GROUP, cases)


@pytest.mark.parametrize("ending", ["", "_total"])
def test_collector_loses_or_refuses_telemetry(tmp_path: Path, ending: str) -> None:
    """What the Collector can't send, or does not take, fires for the signal concerned, under both of its names."""
    lost = f'{telemetry.COLLECTOR_FAILED}metric_points{ending}{{exporter="otlp_http/x"}}'
    refused = f'{telemetry.COLLECTOR_REFUSED}spans{ending}{{receiver="otlp"}}'
    cases = [
        Case("lost", "CollectorLosesTelemetry", 1, 19, [(lost, counter((20, 5)))], ',signal="metric_points"'),
        Case("none lost", "CollectorLosesTelemetry", 0, 19, [(lost, counter((20, 0)))]),
        Case("refused", "CollectorRefusesTelemetry", 1, 19, [(refused, counter((20, 5)))], ',signal="spans"'),
        Case("none refused", "CollectorRefusesTelemetry", 0, 19, [(refused, counter((20, 0)))]),
    ]
    run(tmp_path, GROUP, cases)


def test_collector_queue_fills_up(tmp_path: Path) -> None:
    """A queue at 90% fires, at 10% it doesn't."""
    labels = '{exporter="otlp_http/x",data_type="traces"}'
    capacity = (telemetry.COLLECTOR_CAPACITY + labels, gauge((20, 1000)))
    cases = [
        Case(
            "filling",
            "CollectorQueueFillsUp",
            1,
            19,
            [capacity, (telemetry.COLLECTOR_QUEUE + labels, gauge((20, 900)))],
        ),
        Case(
            "empty", "CollectorQueueFillsUp", 0, 19, [capacity, (telemetry.COLLECTOR_QUEUE + labels, gauge((20, 100)))]
        ),
    ]
    run(tmp_path, GROUP, cases)
