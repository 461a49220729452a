"""The prices of the package genai-prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from otelml.monitors.genai import GenAIPrices, Prices
from otelml.monitors.genai.cost import cost_of
from otelml.monitors.genai.prices import Model
from otelml.observations.genai import TokenUsage
from otelml.semconv.attributes import GenAiOperationName, GenAiProviderName

genai_prices = pytest.importorskip("genai_prices", reason="genai-prices needs Python 3.11")

USAGES = [
    TokenUsage(input=1000, output=200),
    TokenUsage(input=1000, output=200, cache_read=400),
    TokenUsage(input=1000, output=200, cache_read=400, cache_write=300),
    TokenUsage(input=250_000, output=200, cache_read=400, cache_write=300),
]
MODELS = [
    (GenAiProviderName.OPENAI, "gpt-4o"),
    (GenAiProviderName.OPENAI, "gpt-4o-mini-2024-07-18"),
    (GenAiProviderName.ANTHROPIC, "claude-sonnet-4-5"),
    (GenAiProviderName.ANTHROPIC, "claude-3-5-haiku-latest"),
    (GenAiProviderName.GCP_GEMINI, "gemini-2.5-pro"),
    (GenAiProviderName.AWS_BEDROCK, "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    (GenAiProviderName.MISTRAL_AI, "mistral-large-latest"),
    (GenAiProviderName.DEEPSEEK, "deepseek-chat"),
    (GenAiProviderName.X_AI, "grok-3"),
]


@pytest.mark.parametrize("usage", USAGES, ids=str)
@pytest.mark.parametrize(("provider", "model"), MODELS)
def test_same_as_genai_prices(provider: str, model: str, usage: TokenUsage) -> None:
    """Our sums over its rates come to what the package itself calculates."""
    price = Prices(GenAIPrices()).find(provider, None, model).price
    assert price is not None
    cost = cost_of(usage, price, GenAiOperationName.CHAT)
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input,
            output_tokens=usage.output,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write,
        ),
        model,
        provider_id={GenAiProviderName.X_AI: "x-ai"}.get(provider, provider),
    )
    assert cost is not None
    assert cost.amount == pytest.approx(float(expected.total_price))
    assert (cost.currency, cost.price_list) == ("USD", f"genai-prices {genai_prices.__version__}")


def _input_rate(model: Model) -> float | None:
    return None if model.price is None else model.price.rates(0).input


def test_windows_of_genai_prices() -> None:
    """The list knows the windows of many models."""
    assert Prices(GenAIPrices()).find("openai", None, "gpt-4o").window == 128_000


@pytest.mark.parametrize(
    ("provider", "model"),
    [("ollama", "gpt-4o"), ("openai", "my-own"), ("nobody", "nothing"), (GenAiProviderName.OPENAI, "whisper-1")],
    ids=["another provider", "another model", "neither", "charged by the hour"],
)
def test_unknown_to_genai_prices(provider: str, model: str) -> None:
    """A model that somebody else serves, or that is not charged by tokens, has no price."""
    assert Prices(GenAIPrices()).find(provider, None, model).price is None


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o"])
@pytest.mark.parametrize("provider", ["litellm", "langchain"])
def test_frameworks_as_providers(provider: str, model: str) -> None:
    """Where a framework is named as the provider, the model alone tells."""
    assert _input_rate(Prices(GenAIPrices()).find(provider, None, model)) == 2.5


def test_prices_that_the_application_has_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that sets a newer list in the package has it used."""
    from genai_prices import data_snapshot, types

    dated = [
        types.ConditionalPrice(prices=types.ModelPrice(input_mtok=Decimal(7), output_mtok=Decimal(9))),
        types.ConditionalPrice(
            types.StartDateConstraint(date(2999, 1, 1)),
            prices=types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1)),
        ),
    ]
    model = types.ModelInfo(id="new", match=types.ClauseEquals("new"), prices=dated)
    provider = types.Provider(id="p", name="P", api_pattern="p", models=[model])
    monkeypatch.setattr(
        data_snapshot, "_custom_snapshot", data_snapshot.DataSnapshot(providers=[provider], from_auto_update=True)
    )
    assert _input_rate(Prices(GenAIPrices()).find("p", None, "new")) == 7
