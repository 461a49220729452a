"""A pytest plugin for other projects' test suites: switches a hook on, and writes down how every test went.

The environment variable `SUITE_HOOK` is the instrumentor as `module:class`, or empty, `SUITE_OUTCOMES` the file for the
outcomes. Files beside it get the telemetry faults of each process that had some.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

HOOK = "SUITE_HOOK"
OUTCOMES = "SUITE_OUTCOMES"
FAULTS = ".faults"

_outcomes: dict[str, list[str]] = {}


class Discarded:
    """An exporter without a far end."""

    def export(self, batch: Sequence[Any], *_args: Any, **_kwargs: Any) -> Any:
        """Take everything."""
        from opentelemetry.sdk.metrics.export import MetricExportResult
        from opentelemetry.sdk.trace.export import SpanExportResult

        return MetricExportResult.SUCCESS if type(batch).__name__ == "MetricsData" else SpanExportResult.SUCCESS

    def force_flush(self, *_args: Any) -> bool:
        """Nothing is kept back."""
        return True

    def shutdown(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing to close."""


def pytest_configure(config: pytest.Config) -> None:
    """Switch the hook on, with an SDK that works as in production."""
    instrumentor = os.environ.get(HOOK)
    if not instrumentor:
        return
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = type("Metrics", (Discarded, MetricExporter), {})()
    traces = TracerProvider()
    traces.add_span_processor(BatchSpanProcessor(Discarded()))  # type: ignore[arg-type]
    meters = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=1000)])
    from otelml import settings
    from otelml.monitors.live import LiveMonitors
    from otelml.telemetry.monitoring import MonitoringTelemetry

    telemetry = MonitoringTelemetry(meters)
    monitors = LiveMonitors(settings.current(), telemetry)
    telemetry.read(monitors)
    module, _, cls = instrumentor.partition(":")
    getattr(import_module(module), cls)().instrument(tracer_provider=traces, meter_provider=meters, monitors=monitors)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what is not the plain success of a phase, and the success of the test itself."""
    if report.when == "call" or not report.passed:
        outcome = "xfail " if hasattr(report, "wasxfail") else ""
        _outcomes.setdefault(report.nodeid, []).append(f"{report.when}: {outcome}{report.outcome}")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note what could not be collected."""
    if not report.passed:
        _outcomes.setdefault(report.nodeid, []).append(f"collect: {report.outcome}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the outcomes, in the process that knows all, and the faults, in each."""
    path = Path(os.environ[OUTCOMES])
    if not hasattr(session.config, "workerinput"):
        path.write_text(json.dumps(_outcomes))
    if os.environ.get(HOOK):
        from otelml._guard import fault_counts

        if fault_counts():
            path.with_suffix(f".{os.getpid()}{FAULTS}").write_text(repr(fault_counts()))
