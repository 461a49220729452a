"""What an elastic launcher publishes about the workers that it starts, and what they publish the same way."""

from __future__ import annotations

from opentelemetry.metrics import get_meter

from otelml._guard import guarded
from otelml._version import __version__
from otelml.semconv import SCHEMA_URL, metrics
from otelml.semconv import attributes as names
from otelml.semconv.attributes import TrainingElasticOutcome
from otelml.telemetry.handler import Telemetry
from otelml.telemetry.labels import MAX_LENGTH, OTHER, Distinct

SCOPE = "otelml.training"

_MAX_NAMES = 100
_DURATION = ".duration.ms"
_OUTCOMES = {".success": TrainingElasticOutcome.SUCCESS, ".failure": TrainingElasticOutcome.FAILURE}
_WORKERS = "workers."
_STATES = {"unknown", "init", "healthy", "unhealthy", "stopped", "succeeded", "failed"}
"""`torch.distributed.elastic.agent.server.api.WorkerState`, 2.4 to 2.13."""


class ElasticMetrics:
    """The metrics of `torch.distributed.elastic.metrics`, each told by what its name says that it measures."""

    def __init__(self, telemetry: Telemetry) -> None:
        """Make the instruments.

        Args:
            telemetry: whose provider of metrics is used.
        """
        meter = get_meter(SCOPE, __version__, telemetry.providers[1], SCHEMA_URL)
        self._calls = metrics.ML_TRAINING_ELASTIC_CALLS.create(meter)
        self._durations = metrics.ML_TRAINING_ELASTIC_CALL_DURATION.create(meter)
        self._checks = metrics.ML_TRAINING_ELASTIC_CHECKS.create(meter)
        self._values = metrics.ML_TRAINING_ELASTIC_VALUE.create(meter)
        self._names = Distinct(_MAX_NAMES)

    @guarded
    def published(self, group: str, name: str, value: object) -> None:
        """Take what was published.

        Args:
            group: of the metric.
            name: of the metric.
            value: in milliseconds where the name ends in `.duration.ms`; what is no number is left out.
        """
        if not isinstance(value, (int, float)):
            return
        if name.endswith(_DURATION):
            self._durations.record(value / 1_000, self._about(group, name.removesuffix(_DURATION)))
            return
        function, dot, ending = name.rpartition(".")
        outcome = _OUTCOMES.get(dot + ending)
        if outcome is not None:
            about = {**self._about(group, function), names.ML_TRAINING_ELASTIC_OUTCOME: outcome}
            self._calls.add(max(int(value), 0), about)
        elif function.startswith(_WORKERS) and ending in _STATES:
            self._checks.add(1, {**self._about(group, function), names.ML_TRAINING_ELASTIC_STATE: ending})
        else:
            self._values.set(value, self._about(group, name))

    def _about(self, group: str, name: str) -> dict[str, str]:
        known = (group[:MAX_LENGTH], name[:MAX_LENGTH])
        group, name = known if self._names.admits(known) else (OTHER, OTHER)
        return {names.ML_TRAINING_ELASTIC_GROUP: group, names.ML_TRAINING_ELASTIC_NAME: name}
