"""Adds to the spans of every GenAI instrumentation: cost, use of the context window, conversation and baggage."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import Span, SpanProcessor

from otelml._guard import guarded
from otelml.distro.accounting import OURS, Accounting, shown
from otelml.distro.genai_span_reading import call_of, has_usage, operation_of_span
from otelml.monitors.genai import INFERENCES, is_paid
from otelml.observations.genai import GenAICall
from otelml.telemetry import conversation

_MAX_DEPTH = 100

_STARTED_IN = "_otelml_started_in"
"""On a span that has not ended: the processor's time, and the context in which it was started, and by that the span
above it. It is on the span itself, as every span of the application passes here: nothing else is as quick, and nothing
is kept of one that is dropped."""

_UNKNOWN = (None, None)

_COUNTED_BELOW = "_otelml_counted_below"
"""On a span that has not ended: a call below it has been counted."""


class GenAIEnrichment(SpanProcessor):
    """Enriches GenAI spans as they end, before any exporter sees them.

    `on_end` comes too late, since what it gets is read-only and shared with the exporters. `_on_ending` is called for
    all processors before any `on_end`, whatever their order; the specification wants the span to be mutable then, but
    in the SDK 1.45 it is closed before (`Span.end` sets its end time and freezes its attributes), so the attributes are
    opened for the moment. otelml's own spans get the cost from `Accounting` while they are open.

    Of inference spans inside one another, the innermost that tells tokens counts and shows the cost: a span of a
    framework may stand for several calls of a client below it. A span that tells none leaves it to those above. A span
    that was sampled out is never seen here: the cost of other instrumentations' calls is that of their recorded spans,
    while calls that otelml observes are counted whatever is sampled.
    """

    def __init__(self, accounting: Accounting) -> None:
        """Take the books, and look at nothing yet."""
        self.enabled = True
        self.baggage: tuple[str, ...] = ()
        self._accounting = accounting
        self._time = object()

    @guarded
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note where the span was started; say at once what is known, for samplers and viewers of live spans."""
        if not self.enabled:
            return
        context = get_current() if parent_context is None else parent_context
        vars(span)[_STARTED_IN] = (self._time, context)
        if operation_of_span(span) is not None:
            span.set_attributes(self._said(span, context))

    @guarded
    def _on_ending(self, span: Span) -> None:
        time, context = vars(span).pop(_STARTED_IN, _UNKNOWN)
        counted_below = vars(span).pop(_COUNTED_BELOW, False)
        if time is not self._time or not self.enabled:
            return
        operation = operation_of_span(span)
        if operation is not None:
            self._end(span, context, operation, counted_below=counted_below)

    def _end(self, span: Span, context: Context, operation: str, *, counted_below: bool) -> None:
        if _is_ours(span):
            if has_usage(span.attributes or {}) and is_paid(operation, has_usage=True):
                _count_above(context)
            return
        added: dict[str, Any] = dict(self._said(span, context))
        if not counted_below and is_paid(operation, has_usage=has_usage(span.attributes or {})):
            added.update(self._appraise(span, context, operation))
        if added:
            add_attributes(span, added)

    def shutdown(self) -> None:
        """Leave alone all spans that have been started, as a forked child must: its parent ends them, too."""
        self._time = object()

    def _said(self, span: Span, context: Mapping[str, object]) -> dict[str, str]:
        said = conversation.attributes_in(context, self.baggage)
        known = span.attributes or {}
        return {name: value for name, value in said.items() if name not in known}

    def _appraise(self, span: Span, context: Context, operation: str) -> Mapping[str, Any]:
        call = call_of(span, operation, context)
        if call.usage.known:
            _count_above(context)
        elif any(_is_inference(above) for above in _above(context)):
            return {}
        return self._account(call)

    def _account(self, call: GenAICall) -> Mapping[str, Any]:
        ledger = self._accounting.ledger
        if ledger.admits(call.response_id, call.span_owner or ""):
            appraisal = self._accounting.count(call)
        elif ledger.shown(call.response_id):
            return {}
        else:
            # Counted, but on no span yet: otelml has observed the call, and made no span beside this one.
            appraisal = self._accounting.appraise(call)
        ledger.shown(call.response_id)
        return shown(appraisal)


def _count_above(context: Context) -> None:
    for above in _above(context):
        vars(above)[_COUNTED_BELOW] = True


def _above(context: Context) -> Iterator[Span]:
    """The spans that have not ended above one that was started in a context."""
    for _ in range(_MAX_DEPTH):
        span: Any = trace.get_current_span(context)
        started_in = vars(span).get(_STARTED_IN) if isinstance(span, Span) else None
        if started_in is None:
            return
        yield span
        context = started_in[1]


def add_attributes(span: Span, added: Mapping[str, Any]) -> None:
    """Add attributes to a span that is ending."""
    if span.is_recording():
        span.set_attributes(added)
        return
    attributes: Any = span._attributes
    attributes._immutable = False
    try:
        attributes.update(added)
    finally:
        attributes._immutable = True


def _is_ours(span: Span) -> bool:
    scope = span.instrumentation_scope
    return scope is not None and scope.name.startswith(OURS)


def _is_inference(span: Span) -> bool:
    return operation_of_span(span) in INFERENCES


def install(processor: GenAIEnrichment, provider: Any) -> bool:
    """Add the processor to a provider of the SDK, once; False where it is none."""
    if provider in _providers:
        return True
    if isinstance(provider, trace.ProxyTracerProvider) or not hasattr(provider, "add_span_processor"):
        return False
    _providers.add(provider)
    provider.add_span_processor(processor)
    return True


_providers: weakref.WeakSet[Any] = weakref.WeakSet()
