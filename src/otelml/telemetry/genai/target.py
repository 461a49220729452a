"""What calls of one kind are reported as: made once, then found by its key."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.util.types import AttributeValue

from otelml.semconv import attributes as names
from otelml.telemetry.genai.facts import Server
from otelml.telemetry.genai.instruments import PointSet
from otelml.telemetry.genai.nesting import context_key
from otelml.telemetry.labels import MAX_LENGTH, OTHER, Distinct

_MAX_TARGETS = 1000


class Target:
    """One operation of one model at one server.

    Attributes:
        span_name: of its calls.
        attributes: of its spans, as far as they are the same for every call.
        context_key: marks what runs inside a call as the call's own.
    """

    __slots__ = ("_models", "_point_attributes", "_points", "attributes", "context_key", "span_name")

    def __init__(self, operation: str, server: Server, model: str | None, metric_model: str | None) -> None:
        self.span_name = f"{operation} {model}" if model else operation
        self.context_key = context_key(operation)
        self.attributes: dict[str, AttributeValue] = {
            names.GEN_AI_OPERATION_NAME: operation,
            names.GEN_AI_PROVIDER_NAME: server.provider,
        }
        if model:
            self.attributes[names.GEN_AI_REQUEST_MODEL] = model
        if server.address:
            self.attributes[names.SERVER_ADDRESS] = server.address
            if server.port:
                self.attributes[names.SERVER_PORT] = server.port
        self._point_attributes = dict(self.attributes)
        if metric_model:
            self._point_attributes[names.GEN_AI_REQUEST_MODEL] = metric_model
        self._models = Distinct()
        self._points: dict[str | None, PointSet] = {}

    def points(self, model: str | None, extra: Mapping[str, AttributeValue] | None) -> PointSet:
        """The points of calls that this model answered, with the attributes that the settings allow on metrics."""
        found = self._points.get(model)
        if found is None:
            found = self._points_of(model)
        return PointSet({**found.duration, **extra}) if extra else found

    def _points_of(self, model: str | None) -> PointSet:
        if model is not None and not self._models.admits(model):
            model = OTHER
            if model in self._points:
                return self._points[model]
        attributes = dict(self._point_attributes)
        if model is not None:
            attributes[names.GEN_AI_RESPONSE_MODEL] = model[:MAX_LENGTH]
        return self._points.setdefault(model, PointSet(attributes))


class Targets:
    """The targets of one telemetry; the number of models on metrics is bounded."""

    def __init__(self, max_models: int) -> None:
        self._models = Distinct(max_models)
        self._targets: dict[tuple[str, Server, str | None], Target] = {}

    def get(self, operation: str, server: Server, model: str | None) -> Target:
        """The target of a call."""
        key = (operation, server, model)
        target = self._targets.get(key)
        if target is None:
            admitted = model is None or self._models.admits(model)
            target = Target(operation, server, model, model if admitted else OTHER)
            if len(self._targets) < _MAX_TARGETS:
                target = self._targets.setdefault(key, target)
        return target
