"""`otelml.conversation()`: what a context says about the calls in it, and when a conversation ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, get_current
from opentelemetry.propagate import extract, inject

import otelml
from otelml.observations import joined
from otelml.semconv.attributes import (
    GEN_AI_CONVERSATION_ID,
    ML_GEN_AI_CONVERSATION_PERSONA,
    ML_GEN_AI_QUERY_TYPE,
)
from otelml.telemetry.conversation import attributes_in, given_in


class Keeper:
    """Remembers what was ended, and fails if it is told to."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.fault: Exception | None = None

    def complete(self, conversation_id: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.ended.append(conversation_id)


@pytest.fixture(autouse=True)
def keeper() -> Iterator[Keeper]:
    """Who is told of the end of conversations."""
    made = Keeper()
    joined.join_conversations(made)
    yield made
    joined.join_conversations(None)


def here() -> dict[str, str]:
    """What is said here."""
    return dict(attributes_in(get_current()))


def test_what_a_block_says() -> None:
    """The id, the persona and the type of query hold inside the block and end with it."""
    with otelml.conversation("c", persona="new", query_type="refund") as id_:
        assert (id_, here()) == (
            "c",
            {GEN_AI_CONVERSATION_ID: "c", ML_GEN_AI_CONVERSATION_PERSONA: "new", ML_GEN_AI_QUERY_TYPE: "refund"},
        )
    assert here() == {}


def test_an_id_is_made() -> None:
    """Without an id there is a new one for each block."""
    with otelml.conversation() as one:
        assert here() == {GEN_AI_CONVERSATION_ID: one}
    with otelml.conversation() as other:
        assert len({one, other, ""}) == 3


def test_an_inner_block_inherits(keeper: Keeper) -> None:
    """A block in a block adds to what holds, is of the same conversation, and does not end it."""
    with otelml.conversation(persona="new", query_type="refund") as id_:
        with otelml.conversation(query_type="order") as inner:
            assert inner == id_
            assert here()[ML_GEN_AI_CONVERSATION_PERSONA] == "new"
            assert here()[ML_GEN_AI_QUERY_TYPE] == "order"
        assert keeper.ended == []
        assert here()[ML_GEN_AI_QUERY_TYPE] == "refund"
    assert keeper.ended == [id_]


@pytest.mark.parametrize(
    ("given", "ends", "ended"), [("c", None, 0), ("c", True, 1), (None, None, 1), (None, False, 0)]
)
def test_who_ends_a_conversation(keeper: Keeper, given: str | None, ends: bool | None, ended: int) -> None:
    """The block that has made the id ends it; a given id comes back with the next request, unless the block says so."""
    with otelml.conversation(given, ends=ends):
        pass
    assert len(keeper.ended) == ended


def test_an_exception_goes_through(keeper: Keeper) -> None:
    """It is the same exception, and the conversation has ended."""
    error = LookupError("mine")
    with pytest.raises(LookupError) as raised, otelml.conversation() as id_:
        raise error
    assert raised.value is error
    assert keeper.ended == [id_]
    assert here() == {}


def test_a_fault_at_the_end_is_invisible(keeper: Keeper, contained_faults: None) -> None:
    """Totals that cannot be reported do not reach the application."""
    keeper.fault = RuntimeError("ours")
    with otelml.conversation():
        pass
    assert here() == {}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"conversation_id": 7}, TypeError, "conversation_id must be a string, not int"),
        ({"conversation_id": ""}, ValueError, "conversation_id has 0 characters: give 1 to 256"),
        ({"persona": "x" * 257}, ValueError, "persona has 257 characters"),
        ({"query_type": ["refund"]}, TypeError, "query_type must be a string, not list"),
    ],
)
def test_wrong_values(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """A wrong value is refused before anything is changed."""
    before = get_current()
    with pytest.raises(error, match=message), otelml.conversation(**arguments):
        pytest.fail("entered")
    assert get_current() == before


def test_as_a_decorator(keeper: Keeper) -> None:
    """Each call of the function is a conversation of its own."""

    @otelml.conversation(persona="new")
    def serve() -> dict[str, str]:
        return here()

    assert serve()[GEN_AI_CONVERSATION_ID] != serve()[GEN_AI_CONVERSATION_ID]
    assert len(keeper.ended) == 2


def test_tasks_do_not_mix() -> None:
    """Coroutines that take turns have their own conversations."""

    async def serve(id_: str) -> set[str]:
        with otelml.conversation(id_):
            return {await asyncio.sleep(0, here()[GEN_AI_CONVERSATION_ID]) for _ in range(3)}

    async def main() -> None:
        assert tuple(await asyncio.gather(serve("a"), serve("b"))) == ({"a"}, {"b"})

    asyncio.run(main())


def test_it_travels_as_baggage() -> None:
    """The next process finds the conversation in the headers, whatever its characters, and is no owner of it."""
    carrier: dict[str, str] = {}
    with otelml.conversation("sitzung 17, ß", persona="new=1"):
        inject(carrier)
    assert carrier.keys() == {"baggage"}
    arrived = attributes_in(extract(carrier))
    assert arrived == {GEN_AI_CONVERSATION_ID: "sitzung 17, ß", ML_GEN_AI_CONVERSATION_PERSONA: "new=1"}


def test_other_baggage_stays() -> None:
    """What the application carries itself is neither lost nor told, unless it is allowed."""
    context = baggage.set_baggage("tenant", "t", baggage.set_baggage("user", "u"))
    assert attributes_in(context) == {}
    assert attributes_in(context, ("tenant", "absent")) == {"tenant": "t"}


@pytest.mark.parametrize("value", ["x" * 10_000, object(), 7, None, ""], ids=["long", "object", "int", "none", "empty"])
def test_baggage_may_be_anything(value: object) -> None:
    """From elsewhere may come values that are too long, or of no use."""
    context = baggage.set_baggage(GEN_AI_CONVERSATION_ID, value, Context())
    assert all(len(found) <= 256 for found in attributes_in(context).values())
    assert bool(attributes_in(context)) == bool(value)


def test_with_the_attributes_of_the_application() -> None:
    """`otelml.attributes()` wins over baggage of the same name."""
    assert given_in(Context()) == {}
    with otelml.conversation("c", persona="a"), otelml.attributes({ML_GEN_AI_CONVERSATION_PERSONA: "b", "till": 1}):
        found = given_in(get_current())
    assert found == {GEN_AI_CONVERSATION_ID: "c", ML_GEN_AI_CONVERSATION_PERSONA: "b", "till": 1}
