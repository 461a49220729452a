"""Telemetry of every metric in the convention, minute by minute, with times of its own choosing.

Stands in for the parts that no demo emits yet, and for history: it goes through the SDK's own instruments, made from
the convention's definitions, and leaves as OTLP.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from otelml.rules.packs.gpu import GPU
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

REGISTRY = json.loads(files("otelml.semconv").joinpath("resolved.json").read_text("utf-8"))
MODELS = (("churn", "1"), ("churn", "2"), ("net", "1"))
FEATURES = ("tenure", "charges", "contract")
BINS = ("0 to 12", "12 to 24", "24 to 48", "above 48", "missing")
SHARES = (0.3, 0.3, 0.25, 0.1, 0.05)

FIXED: Mapping[str, tuple[str, ...]] = {
    names.ML_FEATURE_NAME: FEATURES,
    names.ML_FEATURE_BIN: BINS,
    names.ML_PREDICTION_SCORE_BIN: ("0.1", "0.3", "0.5", "0.7", "0.9"),
    names.ML_PREDICTION_CLASS: ("stays", "leaves"),
    names.ERROR_TYPE: ("", "ValueError"),
    names.GEN_AI_REQUEST_MODEL: ("gpt-x", "claude-y"),
    names.GEN_AI_PROVIDER_NAME: ("openai",),
    names.GEN_AI_OPERATION_NAME: (names.GenAiOperationName.CHAT,),
    names.ML_SYSTEM_NAME: (names.SystemName.SCIKIT_LEARN,),
    names.ML_OPERATION_NAME: (names.OperationName.PREDICT,),
    names.ML_OPERATION_METHOD: ("predict", "predict_proba"),
    names.ML_DRIFT_METHOD: (names.DriftMethod.PSI,),
    names.ML_DRIFT_TYPE: (names.DriftType.FEATURE,),
    names.ML_DATA_QUALITY_CHECK_NAME: (names.DataQualityCheckName.RANGE, names.DataQualityCheckName.NOT_NULL),
    names.ML_INFERENCE_MODE: (names.InferenceMode.ONLINE,),
    names.ML_DATASET_SPLIT: (names.DatasetSplit.TRAIN, names.DatasetSplit.VALIDATION),
    names.ML_TRAINING_TASK_TYPE: (names.TrainingTaskType.STEP,),
    names.HW_ID: ("GPU-0", "GPU-1"),
    names.HW_TYPE: (GPU,),
    names.ML_TELEMETRY_SITE: ("sklearn.extract",),
}
_LEFT_OUT = {
    names.ML_TRAINING_RUN_ID,
    names.ML_TRAINING_WORKER_INDEX,
    names.SERVER_ADDRESS,
    names.SERVER_PORT,
    names.ML_ROLLOUT_VARIANT,
}


def definitions() -> list[Metric]:
    """The convention's metrics."""
    return [it for it in vars(metrics).values() if isinstance(it, Metric)]


def attribute_sets(metric: Metric) -> list[dict[str, str]]:
    """Every combination of values of a metric's attributes: models, enums' members, and the lists above."""
    keys = [key for key in REGISTRY["metrics"][metric.name]["attributes"] if key not in _LEFT_OUT]
    versioned = [key for key in keys if key in (names.ML_MODEL_NAME, names.ML_MODEL_VERSION)]
    sets: list[dict[str, str]] = [{}]
    if versioned:
        sets = [{names.ML_MODEL_NAME: model, names.ML_MODEL_VERSION: version} for model, version in MODELS]
    for key in keys:
        if key not in versioned:
            sets = [{**it, key: value} if value else it for it in sets for value in _values(key)]
    return sets


def _values(key: str) -> tuple[str, ...]:
    declared = REGISTRY["attributes"][key]
    members = tuple(str(member["value"]) for member in declared.get("members", ()))
    return FIXED.get(key) or members or ("any",)


def exported(reader: InMemoryMetricReader, end_ns: int, first_ns: int) -> ExportMetricsServiceRequest:
    """What the instruments have, as the SDK exports it, with these times on all points."""
    data = reader.get_metrics_data()
    assert data is not None
    request = encode_metrics(data)
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
                    point.time_unix_nano, point.start_time_unix_nano = end_ns, first_ns
    return request


class MadeUp:
    """One process that emits everything.

    Attributes:
        instance: its name; two processes are two replicas.
    """

    def __init__(self, instance: str, seed: int) -> None:
        self.instance = instance
        self._random = np.random.default_rng(seed)
        self._reader = InMemoryMetricReader()
        resource = Resource({"service.name": "made-up", "service.instance.id": instance})
        self._provider = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        self._meter = self._provider.get_meter("tests")
        self._states: dict[str, float] = {}
        self._sets = {it.name: attribute_sets(it) for it in definitions()}
        self._instruments: dict[str, Any] = {it.name: it.create(self._meter) for it in definitions()}
        self._minute = 0

    def minute(self, end_ns: int, first_ns: int) -> ExportMetricsServiceRequest:
        """What the process exports at the end of its next minute, with these times on all points."""
        self._minute += 1
        for metric in definitions():
            for number, attributes in enumerate(self._sets[metric.name]):
                self._emit(metric, number, attributes)
        return exported(self._reader, end_ns, first_ns)

    def _emit(self, metric: Metric, number: int, attributes: dict[str, str]) -> None:
        instrument, random = self._instruments[metric.name], self._random
        if metric.instrument == "histogram":
            buckets = metric.buckets or (1.0,)
            middle = max(buckets[len(buckets) // 2], 1e-9)
            for _ in range(3):
                instrument.record(middle * random.lognormal(0, 0.8), attributes)
        elif metric.name == metrics.ML_FEATURE_REFERENCE_RATIO.name:
            instrument.set(SHARES[BINS.index(attributes[names.ML_FEATURE_BIN])], attributes)
        elif metric.name == metrics.ML_FEATURE_VALUES.name:
            instrument.add(int(60 * self._share(attributes)), attributes)
        elif metric.name == metrics.ML_DRIFT_STATUS.name:
            state = names.DriftState.DRIFTED if self._moved(attributes) else names.DriftState.OK
            self._level(instrument, attributes, float(attributes[names.ML_DRIFT_STATE] == state))
        elif metric.instrument == "counter":
            rate = 1 if attributes.get(names.ERROR_TYPE) or "ratio" in metric.unit else 20 + 10 * (number % 4)
            step = random.poisson(rate * (1 + 0.3 * math.sin(self._minute / 10)))
            instrument.add(int(step) if metric.unit != "s" else float(step) / 100, attributes)
        elif metric.instrument == "gauge":
            level = 0.5 + 0.3 * math.sin(self._minute / 12 + number)
            instrument.set(level, attributes)
        else:
            self._level(instrument, attributes, float(number % 3))

    def _moved(self, attributes: Mapping[str, str]) -> bool:
        return self._minute > 75 and attributes.get(names.ML_FEATURE_NAME) == FEATURES[0]

    def _share(self, attributes: Mapping[str, str]) -> float:
        position = BINS.index(attributes[names.ML_FEATURE_BIN])
        return (tuple(reversed(SHARES)) if self._moved(attributes) else SHARES)[position] * 5

    def _level(self, instrument: Any, attributes: dict[str, str], value: float) -> None:
        key = f"{instrument.name}{sorted(attributes.items())}"
        instrument.add(value - self._states.get(key, 0.0), attributes)
        self._states[key] = value

    def close(self) -> None:
        """Shut the SDK down."""
        self._provider.shutdown()
