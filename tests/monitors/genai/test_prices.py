"""Looking models up, and the user's own table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otelml.monitors.genai import Prices, PriceTable
from otelml.monitors.genai.prices import Model, Price, Rates
from tests.monitors.genai.calls import Listed

PRICE = Price(((0, Rates(input=1.0, output=2.0)),), "USD", 1.0, "test")


def table(**models: Any) -> PriceTable:
    """A table of these models."""
    return PriceTable({"models": models})


def input_rate(model: Model | None) -> float | None:
    """What a million input tokens cost."""
    assert model is not None
    assert model.price is not None
    return model.price.rates(0).input


def test_the_model_that_answered_is_priced() -> None:
    """A deployment's name says nothing, so the response's model comes first, and then the request's."""
    prices = Prices(Listed({"gpt-4o": Model(PRICE), "asked": Model(None, 10)}))
    assert prices.find("azure", "gpt-4o", "my-deployment").price is PRICE
    assert prices.find("azure", "unheard-of", "asked") == Model(None, 10)


def test_the_first_list_is_believed() -> None:
    """The user's price wins, and what it leaves out comes from the next list."""
    prices = Prices(Listed({"m": Model(PRICE)}), Listed({"m": Model(None, 128), "n": Model(None, 64)}))
    assert prices.find(None, "m", None) == Model(PRICE, 128)
    assert prices.find(None, "n", None) == Model(None, 64)


def test_what_was_found_is_remembered_for_a_while() -> None:
    """Models are looked up once a minute, unknown ones as well, since prices may begin on a date."""
    listed, now = Listed({"m": Model(PRICE)}), [0.0]
    prices = Prices(listed, clock=lambda: now[0])
    for model in ("m", "m", "unknown", "unknown"):
        prices.find("p", model, None)
    assert listed.asked == 2
    now[0] = 61.0
    prices.find("p", "m", None)
    assert listed.asked == 3


def test_memory_is_bounded() -> None:
    """Names of models without end are not all remembered."""
    prices = Prices(Listed({}))
    for number in range(3000):
        prices.find("p", f"model-{number}", None)
    assert len(prices._found) == 1000


def test_names_in_a_table() -> None:
    """The provider's own entry before the general one, an exact name before a pattern, whatever the case."""
    prices = table(**{"m": {"input": 1}, "azure/m": {"input": 2}, "M-*": {"input": 3}, "azure/m-?": {"input": 4}})
    found = [prices.find(provider, model) for provider, model in (("x", "M"), ("azure", "m"), (None, "m-1"))]
    assert [input_rate(model) for model in found] == [1, 2, 3]
    assert input_rate(prices.find("azure", "m-1")) == 4
    assert prices.find("x", "other") is None


def test_entries_of_a_table() -> None:
    """All rates, the window, the currency and the name of the list arrive."""
    rates = {name: float(number) for number, name in enumerate(Rates._fields)}
    entry = {**rates, "context_window": 8000}
    found = PriceTable({"currency": "EUR", "usd_rate": 1.5, "name": "2027", "models": {"m": entry}}).find(None, "m")
    assert found == Model(Price(((0, Rates(**rates)),), "EUR", 1.5, "2027"), 8000)
    assert table(m={"context_window": 8000}).find(None, "m") == Model(None, 8000)
    assert table(m={"input": 1}).find(None, "m") == Model(Price(((0, Rates(input=1.0)),), "USD", 1.0, "custom"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", 'expected an object with "models"'),
        ("{", "Expecting property name"),
        ('{"models": {"m": 3}}', "the entry of 'm' must be an object"),
        ('{"models": {"m": {"imput": 3}}}', "the entry of 'm' has 'imput', which is none of input, output"),
        ('{"models": {"m": {"input": "3"}}}', "input of 'm' is '3': expected a number"),
        ('{"models": {"m": {"input": -1}}}', "input of 'm' is -1.*: expected a number of at least 0"),
        ('{"models": {"m": {"input": NaN}}}', "input of 'm' is nan: expected a number"),
        ('{"models": {"m": {"context_window": 0}}}', "context_window of 'm' is 0: expected a number of tokens"),
        ('{"models": {}, "currency": "Euro"}', "expected an ISO 4217 code"),
        ('{"models": {}, "usd_rate": true}', "usd_rate is True: expected a number"),
        ('{"models": {}, "prices": 1}', "the table has 'prices', which is none of currency"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, content: str, message: str) -> None:
    """The message says which file and what is wrong with it."""
    file = tmp_path / "prices.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=rf"The price table .*prices\.json' cannot be used: .*{message}"):
        PriceTable.load(str(file))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    """So is a file that cannot be read."""
    with pytest.raises(ValueError, match="No such file"):
        PriceTable.load(str(tmp_path / "none.json"))


def test_a_table_is_read_from_its_file(tmp_path: Path) -> None:
    """The file is JSON in UTF-8."""
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"name": "Préis", "models": {"m": {"input": 1}}}, ensure_ascii=False), encoding="utf-8")
    found = PriceTable.load(str(file)).find(None, "m")
    assert found is not None
    assert found.price is not None
    assert found.price.source == "Préis"
