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
from otelml.distro.genai_span_reading import call_of, has_usage, operation_of
from otelml.monitors.genai import INFERENCES, is_paid
from otelml.observations.genai import GenAICall
from otelml.telemetry import conversation

_MAX_LIVE = 10_000
_MAX_DEPTH = 100

_Live = tuple[int, "weakref.ref[Span]", Mapping[str, object]]
"""A span that has not ended: its parent's id (0: none), itself, and the context in which it was started."""


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
        self._live: dict[int, _Live] = {}
        self._counted_inside: set[int] = set()

    @guarded
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember the span while it lives; say at once what is known, for samplers and viewers of live spans."""
        if not self.enabled:
            return
        context = get_current() if parent_context is None else parent_context
        parent = span.parent
        span_id = span.context.span_id
        # A span that is dropped without being ended must not keep its context.
        alive = weakref.ref(span, lambda _: self._forget(span_id))
        self._live[span_id] = (0 if parent is None else parent.span_id, alive, context)
        if len(self._live) > _MAX_LIVE:
            self._forget_oldest()
        attributes = span.attributes
        if attributes and operation_of(attributes) is not None:
            span.set_attributes(self._said(span, context))

    @guarded
    def _on_ending(self, span: Span) -> None:
        span_id = span.context.span_id
        live = self._live.get(span_id)
        if live is None:
            return
        try:
            attributes = span.attributes
            operation = operation_of(attributes) if attributes else None
            if operation is not None and self.enabled:
                self._end(span, live, operation)
        finally:
            self._forget(span_id)

    def _end(self, span: Span, live: _Live, operation: str) -> None:
        if _is_ours(span):
            if has_usage(span.attributes or {}) and is_paid(operation, has_usage=True):
                self._count_above(live)
            return
        added: dict[str, Any] = dict(self._said(span, live[2]))
        if is_paid(operation, has_usage=has_usage(span.attributes or {})):
            added.update(self._appraise(span, live, operation))
        if added:
            add_attributes(span, added)

    def shutdown(self) -> None:
        """Forget all spans, as a forked child must as well."""
        self._live = {}
        self._counted_inside = set()

    def _forget(self, span_id: int) -> None:
        self._live.pop(span_id, None)
        if self._counted_inside:
            self._counted_inside.discard(span_id)

    def _forget_oldest(self) -> None:
        for span_id in list(self._live)[: _MAX_LIVE // 10]:
            self._live.pop(span_id, None)
        self._counted_inside &= self._live.keys()

    def _said(self, span: Span, context: Mapping[str, object]) -> dict[str, str]:
        said = conversation.attributes_in(context, self.baggage)
        known = span.attributes or {}
        return {name: value for name, value in said.items() if name not in known}

    def _appraise(self, span: Span, live: _Live, operation: str) -> Mapping[str, Any]:
        if span.context.span_id in self._counted_inside:
            return {}
        call = call_of(span, operation, live[2])
        if call.usage.known:
            self._count_above(live)
        elif any(_is_inference(above) for above in self._above(live)):
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

    def _count_above(self, live: _Live) -> None:
        self._counted_inside.update(above.context.span_id for above in self._above(live))

    def _above(self, live: _Live) -> Iterator[Span]:
        for _ in range(_MAX_DEPTH):
            above = self._live.get(live[0])
            if above is None:
                return
            live = above
            span = live[1]()
            if span is not None:
                yield span


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
    return operation_of(span.attributes or {}) in INFERENCES


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
