"""The list of models of the package genai-prices (the extra `genai`), read where it is installed."""

from __future__ import annotations

import importlib
from datetime import datetime, timezone
from importlib.util import find_spec
from typing import Any

from otelml.monitors.genai.prices import Model, Price, Rates

_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "reasoning": "output_reasoning_mtok",
    "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok",
}
_PROVIDERS = {"x_ai": "x-ai", "azure.ai.inference": "azure", "moonshot_ai": "moonshotai", "together_ai": "together"}
"""Providers that genai-prices 0.2.3 does not find by the convention's name."""
_FRAMEWORKS = ("litellm", "langchain", "llama_index")
"""Named by instrumentations that do not know the real provider: the model tells, as `openai/gpt-4o` or alone."""


class GenAIPrices:
    """Prices of genai-prices, in USD; the package is imported at the first look-up, or by `load`."""

    @staticmethod
    def installed() -> bool:
        """Whether there is such a list."""
        return find_spec("genai_prices") is not None

    def __init__(self) -> None:
        """Import nothing yet: with its data it takes a third of a second of CPU time."""
        self._source = ""

    def load(self) -> Any:
        """The snapshot of the list in force: an application that updates the package's prices has them used here."""
        package = importlib.import_module("genai_prices")
        self._source = f"genai-prices {package.__version__}"
        return importlib.import_module("genai_prices.data_snapshot").get_snapshot()

    def find(self, provider: str | None, model: str) -> Model | None:
        """The entry of a model."""
        known = "litellm" if provider in _FRAMEWORKS else _PROVIDERS.get(provider or "", provider)
        try:
            _, info = self.load().find_provider_model(model, None, known, None)
        except LookupError:
            return None
        price = info.get_prices(datetime.now(timezone.utc))
        return Model(self._price(price), info.context_window)

    def _price(self, price: Any) -> Price | None:
        listed = {name: value for name, key in _KEYS.items() if (value := getattr(price, key, None)) is not None}
        if not listed:
            return None  # charged by the second, the page or the search, which no token count tells
        starts = sorted({0} | {tier.start for value in listed.values() for tier in getattr(value, "tiers", ())})
        requests = getattr(price, "requests_kcount", None)
        request = 0.0 if requests is None else _at(requests, 0) / 1_000
        tiers = tuple(
            (start, Rates(**{name: _at(value, start) for name, value in listed.items()}, request=request))
            for start in starts
        )
        return Price(tiers, "USD", 1.0, self._source)


def _at(price: Any, start: int) -> float:
    """A plain price, or that of the tier that a call with more than `start` input tokens pays."""
    if not hasattr(price, "tiers"):
        return float(price)
    return float(next((tier.price for tier in reversed(price.tiers) if start >= tier.start), price.base))
