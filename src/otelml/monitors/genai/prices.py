"""What models charge, and how much they can read: the user's own table first, then the list of genai-prices."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple, Protocol

_MAX_MODELS = 1_000
_FRESH_FOR = 60.0
"""Seconds that a price holds: lists have prices that begin on a date or hold for some hours of the day."""


class Rates(NamedTuple):
    """Prices for a million tokens each; None where the list has none.

    Attributes:
        input: of the input.
        output: of the output.
        cache_read: of input read from a cache; as `input` where there is none.
        cache_write: of input written to a cache; as `input` where there is none.
        reasoning: of output spent on reasoning; as `output` where there is none.
        audio_input: of audio input; as `input` where there is none.
        audio_output: of audio output; as `output` where there is none.
        request: for each request, whatever its tokens.
    """

    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    request: float = 0.0


@dataclass(frozen=True, slots=True)
class Price:
    """What a model charges.

    Attributes:
        tiers: (number of input tokens, the rates for calls with more than that), in ascending order. A call pays one
            tier for all its tokens, as providers charge it.
        currency: an ISO 4217 code.
        usd_rate: what one unit of the currency is worth in USD, None where that is unknown.
        source: the list and its version.
    """

    tiers: tuple[tuple[int, Rates], ...]
    currency: str
    usd_rate: float | None
    source: str

    def rates(self, input_tokens: int) -> Rates:
        """The rates for a call with so many input tokens."""
        if len(self.tiers) == 1:
            return self.tiers[0][1]
        return next((rates for start, rates in reversed(self.tiers) if input_tokens > start), self.tiers[0][1])


class Model(NamedTuple):
    """What is known of a model.

    Attributes:
        price: None where it is unknown.
        window: size of the context window in tokens, None where it is unknown.
    """

    price: Price | None = None
    window: int | None = None


UNKNOWN = Model()


class PriceList(Protocol):
    """A list of models."""

    def find(self, provider: str | None, model: str) -> Model | None:
        """The entry of a model; None where the list does not have it."""
        ...


class Prices:
    """Looks models up in lists, and remembers what it found."""

    def __init__(self, *lists: PriceList, clock: Callable[[], float] = monotonic) -> None:
        """Take the lists.

        Args:
            lists: the first that knows a price is believed; likewise for the window.
            clock: seconds.
        """
        self._lists = lists
        self._clock = clock
        self._found: OrderedDict[tuple[str | None, str | None, str | None], tuple[float, Model]] = OrderedDict()

    def find(self, provider: str | None, response_model: str | None, request_model: str | None) -> Model:
        """What is known of the model that answered, or else of the one that was asked for."""
        key = (provider, response_model, request_model)
        now = self._clock()
        found = self._found.get(key)
        if found is None or now - found[0] > _FRESH_FOR:
            found = now, self._look_up(provider, [model for model in (response_model, request_model) if model])
            self._found[key] = found
            # Names come from the host, and may be without end.
            while len(self._found) > _MAX_MODELS:
                self._found.popitem(last=False)
        return found[1]

    def _look_up(self, provider: str | None, models: list[str]) -> Model:
        entries = [
            entry for source in self._lists for model in models if (entry := source.find(provider, model)) is not None
        ]
        price = next((entry.price for entry in entries if entry.price is not None), None)
        window = next((entry.window for entry in entries if entry.window is not None), None)
        return Model(price, window)
