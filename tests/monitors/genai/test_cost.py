"""What a call costs, from its tokens and a model's rates."""

from __future__ import annotations

import pytest

from otelml.monitors.genai.cost import appraise, cost_of
from otelml.monitors.genai.prices import Model, Price, Prices, Rates
from otelml.observations.genai import GenAICall, TokenUsage
from otelml.semconv.attributes import GenAiOperationName, GenAiUsageCostPart
from tests.monitors.genai.calls import Listed, call

RATES = Rates(
    input=2.0, output=8.0, cache_read=0.5, cache_write=2.5, reasoning=4.0, audio_input=40.0, audio_output=80.0
)
CHAT = GenAiOperationName.CHAT


def price(*tiers: tuple[int, Rates], rate: float | None = 1.0) -> Price:
    """A price in USD."""
    return Price(tiers or ((0, RATES),), "USD", rate, "test")


def test_kinds_of_tokens_are_charged_apart_and_once() -> None:
    """Cached, written and reasoning tokens are taken out of the totals that they are part of."""
    usage = TokenUsage(input=1_000_000, output=500_000, cache_read=400_000, cache_write=100_000, reasoning=200_000)
    cost = cost_of(usage, price(), CHAT)
    assert cost is not None
    assert cost.parts == {
        GenAiUsageCostPart.INPUT: pytest.approx(0.5 * 2.0),
        GenAiUsageCostPart.CACHE_READ: pytest.approx(0.4 * 0.5),
        GenAiUsageCostPart.CACHE_WRITE: pytest.approx(0.1 * 2.5),
        GenAiUsageCostPart.OUTPUT: pytest.approx(0.3 * 8.0),
        GenAiUsageCostPart.REASONING: pytest.approx(0.2 * 4.0),
    }
    assert cost.amount == pytest.approx(sum(cost.parts.values()))


def test_audio_has_its_own_rate() -> None:
    """Tokens of audio are part of the totals, too."""
    cost = cost_of(TokenUsage(input=100, output=100, audio_input=60, audio_output=90), price(), CHAT)
    assert cost is not None
    assert cost.amount * 1e6 == pytest.approx(40 * 2 + 60 * 40 + 10 * 8 + 90 * 80)


@pytest.mark.parametrize(
    "usage",
    [
        TokenUsage(1000, 0, cache_read=700),
        TokenUsage(1000, 0, cache_write=700),
        TokenUsage(1000, 0, audio_input=700),
    ],
    ids=["read", "written", "audio"],
)
def test_input_without_a_rate_of_its_own_costs_what_input_costs(usage: TokenUsage) -> None:
    """A list that knows no price of cached tokens does not make them free."""
    plain = price((0, Rates(input=2.0, output=8.0)))
    cost = cost_of(usage, plain, CHAT)
    assert cost is not None
    assert cost.amount == pytest.approx(1000 * 2.0 / 1e6)


def test_input_that_leaves_out_the_cached_tokens() -> None:
    """More cached than input tokens: the input was reported without them, as Anthropic's API counts."""
    cost = cost_of(TokenUsage(input=10, output=0, cache_read=1000, cache_write=500), price(), CHAT)
    assert cost is not None
    assert cost.amount * 1e6 == pytest.approx(10 * 2.0 + 1000 * 0.5 + 500 * 2.5)


def test_reasoning_beside_the_output() -> None:
    """More reasoning than output tokens: the output was reported without them, as Google's API counts."""
    cost = cost_of(TokenUsage(input=0, output=10, reasoning=100), price(), CHAT)
    assert cost is not None
    assert cost.amount * 1e6 == pytest.approx(10 * 8.0 + 100 * 4.0)


def test_tiers_hold_for_all_tokens_of_a_call() -> None:
    """The number of input tokens decides on the rates of the whole call, from beyond the limit on."""
    tiers = price((0, Rates(input=1.0, output=1.0)), (1000, Rates(input=3.0, output=5.0)))
    at, above = (cost_of(TokenUsage(input=count, output=100), tiers, CHAT) for count in (1000, 1001))
    assert at is not None
    assert above is not None
    assert at.amount * 1e6 == pytest.approx(1100)
    assert above.amount * 1e6 == pytest.approx(1001 * 3 + 100 * 5)


@pytest.mark.parametrize(
    ("usage", "rates"),
    [
        (TokenUsage(), RATES),
        (TokenUsage(input=5), RATES),
        (TokenUsage(output=5), RATES),
        (TokenUsage(input=5, output=5), Rates(input=1.0)),
        (TokenUsage(input=5, output=5), Rates(output=1.0)),
        (TokenUsage(input=0, output=0), Rates()),
    ],
    ids=["no usage", "no output", "no input", "no rate of output", "no rate of input", "no rate"],
)
def test_what_is_not_known_has_no_cost(usage: TokenUsage, rates: Rates) -> None:
    """A missing count or rate gives no cost at all, rather than a part of it or none."""
    assert cost_of(usage, price((0, rates)), CHAT) is None


def test_a_free_model_costs_nothing() -> None:
    """A price of 0 is a price."""
    cost = cost_of(TokenUsage(input=5, output=5), price((0, Rates(input=0.0, output=0.0))), CHAT)
    assert cost is not None
    assert cost.amount == 0


def test_embeddings_have_no_output() -> None:
    """Providers report none for embeddings, and there is no rate."""
    cost = cost_of(TokenUsage(input=1000), price((0, Rates(input=0.02))), GenAiOperationName.EMBEDDINGS)
    assert cost is not None
    assert cost.amount == pytest.approx(0.02 / 1000)


def test_charge_for_the_request() -> None:
    """Some models charge each request besides."""
    cost = cost_of(TokenUsage(input=0, output=0), price((0, Rates(input=1.0, output=1.0, request=0.005))), CHAT)
    assert cost is not None
    assert (cost.amount, cost.parts) == (0.005, {})


@pytest.mark.parametrize(("rate", "usd"), [(1.1, 1.1), (None, None)])
def test_other_currencies(rate: float | None, usd: float | None) -> None:
    """The amount in USD is known if the rate is."""
    cost = cost_of(TokenUsage(input=1_000_000, output=0), price((0, Rates(input=1.0, output=1.0)), rate=rate), CHAT)
    assert cost is not None
    assert cost.usd == usd


def appraised(done: GenAICall, model: Model) -> float | None:
    """The use of the context window."""
    return appraise(done, Prices(Listed({"m": model}))).utilization


def test_use_of_the_context_window() -> None:
    """Input and output share the window; several embedded texts do not."""
    usage = TokenUsage(input=300, output=100)
    assert appraised(call(usage=usage), Model(None, 1000)) == 0.4
    assert appraised(call(usage=TokenUsage(input=300)), Model(None, 1000)) == 0.3
    assert appraised(call(usage=TokenUsage(output=300)), Model(None, 1000)) is None
    assert appraised(call(usage=usage), Model()) is None
    assert appraised(call(usage=usage, operation=GenAiOperationName.EMBEDDINGS), Model(None, 1000)) is None
