"""The user's own prices, in a JSON file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from typing import Any

from otelml.monitors.genai.prices import Model, Price, Rates

_PRICES = Rates._fields
_WINDOW = "context_window"
_FIELDS = ("currency", "usd_rate", "name", "models")


class PriceTable:
    """Prices by model, as `provider/model` or `model`, exact or with the wildcards `*` and `?`.

    Example of the file; prices are for a million tokens, `request` for each request:

        {
          "currency": "EUR",
          "usd_rate": 1.08,
          "models": {
            "my-llama": {"input": 0.5, "output": 1.5, "context_window": 131072},
            "azure.ai.openai/gpt-4o*": {"input": 2.0, "cache_read": 1.0, "output": 8.0, "reasoning": 8.0}
          }
        }

    `currency` is USD where it is left out. Metrics are in USD: of another currency they need `usd_rate`, what one unit
    is worth in USD. `name` is how the cost's price list is called, `custom` where it is left out.
    """

    def __init__(self, data: Any) -> None:
        """Read the content of the file.

        Raises:
            ValueError: what is wrong with it, and where.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("models"), Mapping):
            raise ValueError('expected an object with "models": {"<model>": {"input": <price>, ...}, ...}')
        _refuse_unknown("the table", data, _FIELDS)
        self._currency = data.get("currency", "USD")
        if not isinstance(self._currency, str) or not re.fullmatch("[A-Z]{3}", self._currency):
            raise ValueError(f'"currency" is {self._currency!r}: expected an ISO 4217 code such as "USD"')
        rate = data.get("usd_rate", 1.0 if self._currency == "USD" else None)
        self._usd_rate = None if rate is None else _number("usd_rate", rate)
        self._source = str(data.get("name", "custom"))
        self._models = {str(name).lower(): self._model(name, entry) for name, entry in data["models"].items()}
        self._patterns = [name for name in self._models if "*" in name or "?" in name]

    @classmethod
    def load(cls, path: str) -> PriceTable:
        """Read a file.

        Raises:
            ValueError: the file cannot be read, is no JSON, or has a wrong entry.
        """
        try:
            return cls(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ValueError(f"The price table {path!r} cannot be used: {error}.") from error

    def find(self, provider: str | None, model: str) -> Model | None:
        """The entry of a model: `provider/model` before `model`, an exact name before a pattern."""
        names = [f"{provider}/{model}".lower(), model.lower()]
        for name in names:
            if name in self._models:
                return self._models[name]
        return next(
            (self._models[pattern] for name in names for pattern in self._patterns if fnmatchcase(name, pattern)), None
        )

    def _model(self, name: object, entry: object) -> Model:
        if not isinstance(entry, Mapping):
            raise ValueError(f'the entry of {name!r} must be an object such as {{"input": 2.5, "output": 10}}')
        _refuse_unknown(f"the entry of {name!r}", entry, (*_PRICES, _WINDOW))
        rates = {key: _number(f"{key} of {name!r}", entry[key]) for key in _PRICES if key in entry}
        window = entry.get(_WINDOW)
        if window is not None and (not isinstance(window, int) or isinstance(window, bool) or window < 1):
            raise ValueError(f"{_WINDOW} of {name!r} is {window!r}: expected a number of tokens")
        price = Price(((0, Rates(**rates)),), self._currency, self._usd_rate, self._source) if rates else None
        return Model(price, window)


def _number(what: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value) or value < 0:
        raise ValueError(f"{what} is {value!r}: expected a number of at least 0")
    return float(value)


def _refuse_unknown(what: str, entry: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise ValueError(f"{what} has {unknown[0]!r}, which is none of {', '.join(known)}")
