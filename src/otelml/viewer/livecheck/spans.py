"""Tells what declared type a span is of, and holds its name, kind and status against it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otelml.semconv.attributes import ERROR_TYPE
from otelml.viewer.livecheck import findings as rules
from otelml.viewer.livecheck.findings import Report
from otelml.viewer.livecheck.registry import Registry, Signal, find_attribute
from otelml.viewer.otlp import Attributes

_FIELD = re.compile(r"\{([^}]+)\}")


def kind_of(span: Span) -> str:
    """The span's kind, as the registry writes it."""
    return Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()


def classify(registry: Registry, kind: str, attributes: Attributes) -> Signal | None:
    """The declared type of a span, told by its operation; OTLP has no field for it.

    An operation name that the registry does not know is allowed (the enum is open): then it is the type that fits the
    attributes best.
    """
    candidates = [it for it in registry.spans.values() if it.operation_attribute in attributes]
    candidates = [it for it in candidates if attributes[it.operation_attribute or ""] in it.operations] or candidates
    candidates = [it for it in candidates if it.span_kind == kind] or candidates
    marked = [it for it in candidates if it.discriminator in attributes]
    return min(
        marked or [it for it in candidates if it.discriminator is None],
        key=lambda it: _misfit(it, attributes),
        default=None,
    )


def _misfit(declared: Signal, attributes: Attributes) -> int:
    undeclared = sum(find_attribute(declared.attributes, name) is None for name in attributes)
    absent = sum(it.requirement == "required" and it.key not in attributes for it in declared.attributes.values())
    return undeclared + absent


def check_shape(declared: Signal, span: Span, attributes: Attributes, report: Report) -> None:
    """Check the name, the kind and the status of a span."""
    if kind_of(span) != declared.span_kind:
        report.add(
            rules.UNEXPECTED_SPAN_KIND,
            f"The span's kind is {kind_of(span)}, not {declared.span_kind}.",
            value=kind_of(span),
        )
    expected = _expected_name(declared.span_names, attributes)
    if expected is not None and span.name != expected:
        report.add(rules.UNEXPECTED_SPAN_NAME, f"The span's name should be {expected!r}.", value=span.name)
    if span.status.code == Status.STATUS_CODE_OK:
        report.add(rules.UNEXPECTED_SPAN_STATUS, "The instrumentation has set the status OK.")
    if span.status.code != Status.STATUS_CODE_ERROR and ERROR_TYPE in attributes:
        report.add(
            rules.UNEXPECTED_SPAN_STATUS,
            f"The span has {ERROR_TYPE} but not the status ERROR.",
            attribute=ERROR_TYPE,
            value=attributes[ERROR_TYPE],
        )


def _expected_name(patterns: Sequence[str], attributes: Attributes) -> str | None:
    for pattern in patterns:
        if all(name in attributes for name in _FIELD.findall(pattern)):
            return _FIELD.sub(lambda match: str(attributes[match[1]]), pattern)
    return None
