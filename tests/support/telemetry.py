"""An SDK that keeps everything in memory, never set as the global one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from tests.support.checked import Expectations
from tests.support.recorded import Recorded

_SDK_LOGGERS = ("opentelemetry.sdk", "opentelemetry.attributes", "opentelemetry.metrics", "opentelemetry.exporter")


class Telemetry(Expectations, Recorded):
    """Providers for the code under test, and readers of what it emitted.

    Attributes:
        complaints: warnings of the SDK, such as about a dropped attribute or a callback that raised; a test that
            expects some clears the list.
    """

    def __init__(
        self,
        sampler: Sampler = ALWAYS_ON,
        temporality: dict[type, AggregationTemporality] | None = None,
        views: Sequence[View] = (),
    ) -> None:
        super().__init__()
        resource = Resource({"service.name": "tests"})
        self.span_exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(sampler, resource, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.span_exporter))
        self.metric_reader = InMemoryMetricReader(temporality)
        self.meter_provider = MeterProvider([self.metric_reader], resource, shutdown_on_exit=False, views=views)
        self.log_exporter = InMemoryLogRecordExporter()
        self.logger_provider = LoggerProvider(resource, shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self.log_exporter))
        self.complaints: list[str] = []
        self._collected: list[Message] = []
        self._listener = _Listener(self.complaints)
        logging.getLogger("opentelemetry").addHandler(self._listener)

    @property
    def providers(self) -> dict[str, Any]:
        """The arguments of an instrumentor's `instrument`."""
        return {
            "tracer_provider": self.tracer_provider,
            "meter_provider": self.meter_provider,
            "logger_provider": self.logger_provider,
        }

    def requests(self) -> Sequence[Message]:
        """Everything so far, as an OTLP exporter would send it; metrics are collected first."""
        data = self.metric_reader.get_metrics_data()
        if data is not None:
            self._collected.append(encode_metrics(data))
        spans, logs = self.span_exporter.get_finished_spans(), self.log_exporter.get_finished_logs()
        requests = [encode_spans(spans), *self._collected, encode_logs(logs)]
        return [request for request in requests if request.ByteSize()]

    def close(self) -> None:
        """Shut the providers down."""
        logging.getLogger("opentelemetry").removeHandler(self._listener)
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()
        self.logger_provider.shutdown()


class _Listener(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_SDK_LOGGERS):
            error = f": {record.exc_info[1]!r}" if record.exc_info else ""
            self._messages.append(record.getMessage() + error)
