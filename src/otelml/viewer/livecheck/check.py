"""The live check: received OTLP held against the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otelml.viewer.livecheck import findings as rules
from otelml.viewer.livecheck import metrics, spans
from otelml.viewer.livecheck.attributes import AttributeCheck, is_well_formed
from otelml.viewer.livecheck.findings import Finding, Report, SignalKind
from otelml.viewer.livecheck.registry import Registry, installed_registry
from otelml.viewer.otlp import decode_attributes

OUR_SCOPES = "otelml"
"""The names of the instrumentation scopes that answer for every declared name start with this."""


class LiveCheck:
    """Checks export requests one after the other.

    Attributes:
        seen: the declared signals that came by in scopes of ours, as (kind, name or span type).
        checked: the number of spans, metrics and events that were held against the registry.
    """

    def __init__(
        self, registry: Registry | None = None, *, allow: Iterable[str] = (), all_scopes: bool = False
    ) -> None:
        """Prepare a check.

        Args:
            registry: what is declared; by default what this version of otelml emits by.
            allow: names of attributes, or patterns such as `shop.*`, that signals may carry besides the declared ones.
            all_scopes: whether to check other libraries' signals, too: the values of attributes that the registry has,
                and the shape of metrics that it declares.
        """
        self.registry = registry or installed_registry()
        self.seen: set[tuple[SignalKind, str]] = set()
        self.checked = 0
        self._allow = tuple(allow)
        self._all_scopes = all_scopes
        self._attributes = AttributeCheck(self.registry, self._is_allowed)

    def _is_allowed(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._allow)

    def check(self, request: Message) -> list[Finding]:
        """Return the findings about an export request of any signal."""
        return [finding for report in self._reports(request) for finding in report.findings]

    def _reports(self, request: Message) -> Iterator[Report]:
        if isinstance(request, ExportTraceServiceRequest):
            for scope_spans in (it for resource in request.resource_spans for it in resource.scope_spans):
                yield from self._scope("span", scope_spans, scope_spans.spans)
        elif isinstance(request, ExportMetricsServiceRequest):
            for scope_metrics in (it for resource in request.resource_metrics for it in resource.scope_metrics):
                yield from self._scope("metric", scope_metrics, scope_metrics.metrics)
        elif isinstance(request, ExportLogsServiceRequest):
            for scope_logs in (it for resource in request.resource_logs for it in resource.scope_logs):
                # Without an event name it is a line of a log, not an event.
                yield from self._scope("event", scope_logs, [it for it in scope_logs.log_records if it.event_name])
        else:
            raise TypeError(f"Not an OTLP export request: {type(request).__name__}.")

    def _scope(self, kind: SignalKind, group: Any, signals: Sequence[Span | Metric | LogRecord]) -> Iterator[Report]:
        ours = group.scope.name.startswith(OUR_SCOPES)
        if not signals or not (ours or self._all_scopes):
            return
        self.checked += len(signals)
        if not ours:
            yield from map(self._foreign, signals)
            return
        yield self._schema_url(kind, group)
        for signal in signals:
            if isinstance(signal, Span):
                yield from self._span(signal)
            else:
                yield self._metric(signal) if isinstance(signal, Metric) else self._event(signal)

    def _schema_url(self, kind: SignalKind, group: Any) -> Report:
        report = Report(kind, f"scope {group.scope.name}")
        if group.schema_url != self.registry.schema_url:
            report.add(
                rules.SCHEMA_URL_MISMATCH,
                f"The schema URL is {group.schema_url!r}, not {self.registry.schema_url!r}.",
                value=group.schema_url,
            )
        return report

    def _span(self, span: Span) -> Iterator[Report]:
        report = Report("span", span.name)
        attributes = decode_attributes(span.attributes)
        declared = spans.classify(self.registry, spans.kind_of(span), attributes)
        if declared is None:
            report.add(rules.MISSING_SPAN, "The span's operation does not tell what type of span it is.")
        else:
            self.seen.add((declared.kind, declared.name))
            failed = span.status.code == Status.STATUS_CODE_ERROR
            self._attributes.check(declared, attributes, report, failed=failed)
            spans.check_shape(declared, span, attributes, report)
        yield report
        for event in span.events:
            yield self._named_event(event.name, event)

    def _metric(self, metric: Metric) -> Report:
        report = Report("metric", metric.name)
        declared = self.registry.metrics.get(metric.name)
        if declared is None:
            report.add(rules.MISSING_METRIC, f"The metric {metric.name!r} is not declared.")
            if not is_well_formed(metric.name):
                report.add(rules.INVALID_FORMAT, f"The metric {metric.name!r} breaks the naming rules.")
            return report
        self.seen.add((declared.kind, declared.name))
        metrics.check_shape(declared, metric, report)
        for attributes in metrics.point_attributes(metric):
            self._attributes.check(declared, attributes, report)
        return report

    def _event(self, record: LogRecord) -> Report:
        report = self._named_event(record.event_name, record)
        declared = self.registry.events.get(record.event_name)
        if declared is not None and record.severity_number < declared.severity:
            report.add(
                rules.UNEXPECTED_SEVERITY,
                f"The severity number is {record.severity_number}, below {declared.severity}.",
                value=record.severity_number,
            )
        return report

    def _named_event(self, name: str, event: LogRecord | Span.Event) -> Report:
        report = Report("event", name)
        declared = self.registry.events.get(name)
        if declared is None:
            report.add(rules.MISSING_EVENT, f"The event {name!r} is not declared.")
        else:
            self.seen.add((declared.kind, declared.name))
            self._attributes.check(declared, decode_attributes(event.attributes), report)
        return report

    def _foreign(self, signal: Span | Metric | LogRecord) -> Report:
        if isinstance(signal, Metric):
            report = Report("metric", signal.name)
            declared = self.registry.metrics.get(signal.name)
            if declared is not None:
                metrics.check_shape(declared, signal, report)
            for attributes in metrics.point_attributes(signal):
                self._attributes.check_known(attributes, report)
            return report
        report = Report("span", signal.name) if isinstance(signal, Span) else Report("event", signal.event_name)
        self._attributes.check_known(decode_attributes(signal.attributes), report)
        return report
