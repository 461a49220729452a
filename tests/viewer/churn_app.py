"""Telemetry as a program that serves a churn model sends it, made with the SDK and exported over real OTLP."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from otelml.semconv import SCHEMA_URL, events, metrics
from otelml.semconv import attributes as names

CALL = {
    names.ML_OPERATION_NAME: names.OperationName.PREDICT,
    names.ML_OPERATION_METHOD: "predict_proba",
    names.ML_SYSTEM_NAME: names.SystemName.SCIKIT_LEARN,
    names.ML_MODEL_NAME: "churn",
}
FIT = {**CALL, names.ML_OPERATION_NAME: names.OperationName.FIT, names.ML_OPERATION_METHOD: "fit"}
SCORE = {**CALL, names.ML_OPERATION_NAME: names.OperationName.EVALUATE, names.ML_OPERATION_METHOD: "score"}
FAILED = {names.ERROR_TYPE: "ValueError"}


class ChurnApp:
    """A process with a churn model; `close` flushes, as the SDK does when a process ends."""

    def __init__(self, endpoint: str, service: str = "churn-api") -> None:
        resource = Resource.create({"service.name": service})
        self.traces = TracerProvider(resource=resource)
        self.traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
        self.logs = LoggerProvider(resource=resource)
        self.logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{endpoint}/v1/logs")))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint}/v1/metrics"))
        self.metrics = MeterProvider([reader], resource=resource)
        self.meter = self.metrics.get_meter("otelml.test", schema_url=SCHEMA_URL)

    def serve(self, durations: Sequence[float], scores: Sequence[float], failures: int = 0) -> None:
        """Answer a request for each duration with its score; the failures come after them."""
        latency = metrics.ML_INFERENCE_DURATION.create(self.meter)
        for duration, score in zip(durations, scores, strict=True):
            latency.record(duration, CALL)
            self._request(score)
        for _ in range(failures):
            self._request(None)
        churned = sum(score >= 0.5 for score in scores)
        bins = np.bincount(np.searchsorted(np.arange(1, 21) / 20, scores), minlength=20)
        counts: dict[metrics.Metric, list[tuple[float, dict[str, str]]]] = {
            metrics.ML_INFERENCE_CALLS: [(len(scores), {}), (failures, FAILED)],
            metrics.ML_INFERENCE_TIME: [(sum(durations), {}), (0.001 * failures, FAILED)],
            metrics.ML_INFERENCE_SAMPLES: [(len(scores), {})],
            metrics.ML_INFERENCE_PREDICTIONS: [
                (len(scores) - churned, {names.ML_PREDICTION_CLASS: "No"}),
                (churned, {names.ML_PREDICTION_CLASS: "Yes"}),
            ],
            metrics.ML_PREDICTION_SCORES: [
                (int(count), {names.ML_PREDICTION_SCORE_BIN: f"{upper / 20:g}"})
                for upper, count in enumerate(bins, 1)
                if count
            ],
            metrics.ML_TELEMETRY_RECORDED: [
                (1.0, {names.ML_TELEMETRY_SIGNAL: names.TelemetrySignal.SPAN}),
                (0.25, {names.ML_TELEMETRY_SIGNAL: names.TelemetrySignal.DURATION}),
            ],
        }
        for metric, points in counts.items():
            self._observe(metric, CALL, points)

    def train(self, accuracy: float) -> None:
        """Fit the model once and score it once."""
        phase = {names.ML_TRAINING_PHASE: names.TrainingPhase.FIT}
        self._observe(metrics.ML_TRAINING_RUNS, FIT, [(1, {})])
        self._observe(metrics.ML_TRAINING_TIME, FIT, [(0.4, phase)])
        self._observe(metrics.ML_EVALUATION_RUNS, SCORE, [(1, {})])
        self._observe(metrics.ML_EVALUATION_TIME, SCORE, [(0.03, {})])
        result = [(accuracy, {names.ML_EVALUATION_NAME: names.EvaluationName.ACCURACY})]
        self._observe(metrics.ML_EVALUATION_SCORE, {names.ML_MODEL_NAME: CALL[names.ML_MODEL_NAME]}, result)

    def close(self) -> None:
        """Send what is left and stop."""
        self.traces.shutdown()
        self.logs.shutdown()
        self.metrics.shutdown()

    def _observe(
        self, metric: metrics.Metric, call: dict[str, str], points: Sequence[tuple[float, dict[str, str]]]
    ) -> None:
        def callback(_options: CallbackOptions) -> list[Observation]:
            return [Observation(value, {**call, **attributes}) for value, attributes in points if value]

        metric.observe(self.meter, [callback])

    def _request(self, score: float | None) -> None:
        tracer = self.traces.get_tracer("otelml.test", schema_url=SCHEMA_URL)
        request = {"http.request.method": "POST", "http.route": "/predict"}
        web = self.traces.get_tracer("opentelemetry.instrumentation.flask")
        with web.start_as_current_span("POST /predict", kind=SpanKind.SERVER, attributes=request) as server:
            with tracer.start_as_current_span(
                "predict churn", attributes={**CALL, names.ML_INFERENCE_BATCH_SIZE: 1}
            ) as call:
                if score is None:
                    call.set_attributes(FAILED)
                    call.set_status(Status(StatusCode.ERROR))
                    self._exception()
            server.set_attribute("http.response.status_code", 200 if score is not None else 500)

    def _exception(self) -> None:
        about = (names.ML_OPERATION_NAME, names.ML_SYSTEM_NAME, names.ML_MODEL_NAME)
        self.logs.get_logger("otelml.test", schema_url=SCHEMA_URL).emit(
            LogRecord(
                event_name=events.ML_OPERATION_EXCEPTION.name,
                severity_number=SeverityNumber.WARN,
                attributes={
                    **{name: CALL[name] for name in about},
                    names.EXCEPTION_TYPE: "ValueError",
                    names.EXCEPTION_MESSAGE: "Found unknown categories ['Cash'] in column 3 during transform",
                },
            )
        )
