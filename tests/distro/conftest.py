"""The books of GenAI calls, with the SDK of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.trace import Tracer

from otelml import settings
from otelml.distro.accounting import Accounting
from otelml.distro.enrichment import GenAIEnrichment, install
from otelml.monitors.genai import Prices, PriceTable
from otelml.observations import joined
from tests.support.telemetry import Telemetry

MODELS = {
    "gpt": {"input": 2.0, "output": 8.0, "cache_read": 1.0, "cache_write": 3.0, "context_window": 1000},
    "mini": {"input": 0.5, "output": 2.0},
    "free": {"input": 0, "output": 0},
}
"""Prices for a million tokens."""

Books = Callable[..., Accounting]


@pytest.fixture
def books(telemetry: Telemetry) -> Iterator[Books]:
    """Opens the books on the test's providers, with a currency and settings."""

    def open_books(currency: dict[str, Any] | None = None, **values: object) -> Accounting:
        prices = Prices(PriceTable({**(currency or {}), "models": MODELS}))
        accounting = Accounting(
            prices,
            settings.resolve(values),
            meter_provider=telemetry.meter_provider,
            logger_provider=telemetry.logger_provider,
        )
        joined.join_conversations(accounting)
        return accounting

    yield open_books
    joined.join_conversations(None)


@pytest.fixture
def enriched(telemetry: Telemetry, books: Books) -> GenAIEnrichment:
    """The processor, on the test's tracer provider behind an exporter that exports at once."""
    processor = GenAIEnrichment(books())
    assert install(processor, telemetry.tracer_provider)
    return processor


@pytest.fixture
def tracer(telemetry: Telemetry, enriched: GenAIEnrichment) -> Tracer:
    """The tracer of another instrumentation."""
    return telemetry.tracer_provider.get_tracer("vendor.openai")
