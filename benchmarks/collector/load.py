"""Senders that behave as an OTLP exporter: one request at a time, and the same again when the Collector asks for it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator

import grpc
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from otelml.semconv import attributes, metrics

SPANS_IN_REQUEST = 500
_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


class Sender:
    """Sends `items` of each request at a rate, in a thread, until it is stopped.

    Attributes:
        sent: the items that the Collector has taken.
        refused: how often it asked to try again.
        late: seconds by which the sender was behind its rate at the end.
    """

    def __init__(
        self, export: Callable[..., object], requests: Iterator[Message], items: int, items_per_second: float
    ) -> None:
        self.sent = self.refused = 0
        self.late = 0.0
        self._export = export
        self._requests = requests
        self._items = items
        self._interval = items / items_per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the request that is under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self._send(next(self._requests))
            due += self._interval
            self.late = time.monotonic() - due
            self._stop.wait(max(0.0, -self.late))

    def _send(self, request: Message) -> None:
        while True:
            try:
                self._export(request, timeout=10)
            except grpc.RpcError as error:
                if error.code() not in _AGAIN:
                    raise
                self.refused += 1
                time.sleep(0.5)
            else:
                self.sent += self._items
                return


def senders(target: str, spans_per_second: float, streams: int) -> tuple[Sender, Sender]:
    """A sender of spans as of single predictions, and one of counters, each stream once a second.

    Args:
        target: the Collector's host and port.
        spans_per_second: the rate of spans.
        streams: the number of metric streams.
    """
    channel = grpc.insecure_channel(target)
    spans = Sender(TraceServiceStub(channel).Export, _traces(), SPANS_IN_REQUEST, spans_per_second)
    points = Sender(MetricsServiceStub(channel).Export, _metrics(streams), streams, streams)
    return spans, points


def _attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _traces() -> Iterator[Message]:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(_attribute("service.name", "load"))
    scope = resource.scope_spans.add()
    for _ in range(SPANS_IN_REQUEST):
        span = scope.spans.add(name="predict Pipeline", kind=1)
        span.attributes.extend(
            [
                _attribute(attributes.ML_OPERATION_NAME, "predict"),
                _attribute(attributes.ML_OPERATION_METHOD, "predict_proba"),
                _attribute(attributes.ML_SYSTEM_NAME, "scikit_learn"),
                _attribute(attributes.ML_MODEL_NAME, "Pipeline"),
                _attribute(attributes.ML_MODEL_ARCHITECTURE, "LogisticRegression"),
                _attribute(attributes.CODE_FUNCTION_NAME, "sklearn.pipeline.Pipeline.predict_proba"),
            ]
        )
    numbers = itertools.count(1)
    while True:
        now = time.time_ns()
        for span in scope.spans:
            number = next(numbers)
            span.trace_id = number.to_bytes(16, "big")
            span.span_id = number.to_bytes(8, "big")
            span.start_time_unix_nano = now - 1_000_000
            span.end_time_unix_nano = now
        yield request


def _metrics(streams: int) -> Iterator[Message]:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.append(_attribute("service.name", "load"))
    scope = resource.scope_metrics.add()
    counter = scope.metrics.add(name=metrics.ML_INFERENCE_CALLS.name, unit=metrics.ML_INFERENCE_CALLS.unit)
    counter.sum.is_monotonic = True
    counter.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    began = time.time_ns()
    for number in range(streams):
        point = counter.sum.data_points.add(start_time_unix_nano=began)
        point.attributes.append(_attribute(attributes.ML_MODEL_NAME, f"model-{number}"))
    for total in itertools.count(1):
        now = time.time_ns()
        for point in counter.sum.data_points:
            point.time_unix_nano = now
            point.as_int = total
        yield request
