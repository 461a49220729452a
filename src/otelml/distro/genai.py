"""Puts together what is done about GenAI calls: prices, the books, and the processor of all GenAI spans."""

from __future__ import annotations

import atexit
import logging
from types import ModuleType

import wrapt
from opentelemetry import trace

from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml.distro.accounting import Accounting
from otelml.distro.enrichment import GenAIEnrichment, install
from otelml.monitors.genai import GenAIPrices, PriceList, Prices, PriceTable
from otelml.observations import joined
from otelml.settings import Settings

_logger = logging.getLogger("otelml")

_CLIENTS = ("anthropic", "botocore", "cohere", "google.genai", "groq", "litellm", "mistralai", "ollama", "openai")

_accounting: Accounting | None = None
_processor: GenAIEnrichment | None = None
_awaits_clients = False


def check(settings: Settings) -> None:
    """Refuse a price table that cannot be used.

    Raises:
        ValueError: what is wrong with it.
    """
    _table(settings)


def set_up(settings: Settings) -> None:
    """Join the books to the instrumentations, and the processor to the tracer provider there is.

    A price table that cannot be used is logged and left out.
    """
    if not settings.genai_enrichment:
        switch_off()
        return
    try:
        table = _table(settings)
    except ValueError as error:
        _logger.error("%s It is left out.", error)
        table = []
    accounting, processor = _made(Prices(*table, *_installed_list()), settings)
    processor.enabled = True
    processor.baggage = settings.baggage_attributes
    joined.join_genai_observers(accounting)
    joined.join_conversations(accounting)
    _install()


def switch_off() -> None:
    """Leave GenAI calls alone; the processor stays, since OpenTelemetry cannot remove one, and does nothing."""
    if _processor is not None:
        _processor.enabled = False
        _processor.shutdown()
    joined.join_genai_observers()
    joined.join_conversations(None)


def _made(prices: Prices, settings: Settings) -> tuple[Accounting, GenAIEnrichment]:
    # Once: the SDK keeps asynchronous instruments for good.
    global _accounting, _processor
    if _accounting is None or _processor is None:
        # An application that sets its tracer provider after us has its spans enriched from the next collection on.
        _accounting = Accounting(prices, settings, at_collection=_install)
        _processor = GenAIEnrichment(_accounting)
        # Registered after the providers' own, so it runs before them.
        atexit.register(_accounting.close)
        call_in_children(_accounting.reset_in_child)
        call_in_children(_processor.shutdown)
    else:
        _accounting.configure(prices, settings)
    return _accounting, _processor


def _install() -> None:
    if _processor is not None and _processor.enabled:
        install(_processor, trace.get_tracer_provider())


def _table(settings: Settings) -> list[PriceList]:
    return [PriceTable.load(settings.price_table)] if settings.price_table else []


def _installed_list() -> list[PriceList]:
    """The list of genai-prices, read when a client is imported: a program without one does not wait for it."""
    global _awaits_clients
    if not GenAIPrices.installed():
        return []
    if not _awaits_clients:
        _awaits_clients = True
        for client in _CLIENTS:
            wrapt.register_post_import_hook(_load_prices, client)
    return [GenAIPrices()]


@guarded
def _load_prices(_client: ModuleType) -> None:
    if _processor is not None and _processor.enabled:
        GenAIPrices().load()
