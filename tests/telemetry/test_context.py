"""`otelml.attributes()`: where the attributes go, and where they end."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Generator

import pytest
from opentelemetry.context import get_current

import otelml
from tests.support.telemetry import Telemetry
from tests.telemetry.conftest import Instrument, Model


@pytest.fixture(autouse=True)
def _recorded(telemetry: Telemetry, instrument: Instrument) -> None:
    telemetry.allow("shop.*")
    instrument(overhead_budget=1)


def given(telemetry: Telemetry) -> list[dict[str, object]]:
    """The application's attributes on the spans, oldest first."""
    return [{key: value for key, value in it.attributes.items() if key.startswith("shop.")} for it in telemetry.spans]


def test_blocks_inherit_and_end(telemetry: Telemetry) -> None:
    """An inner block adds to the outer one and wins over it, and what a block gave ends with it."""
    model = Model()
    with otelml.attributes({"shop.name": "a", "shop.till": 1}):
        with otelml.attributes({"shop.name": "b", "shop.fast": True}):
            model.predict([0])
        model.predict([0])
    model.predict([0])
    assert given(telemetry) == [
        {"shop.name": "b", "shop.till": 1, "shop.fast": True},
        {"shop.name": "a", "shop.till": 1},
        {},
    ]


def test_a_block_that_raises_ends(telemetry: Telemetry) -> None:
    """An exception goes through unchanged, and the attributes end with the block."""
    before, error = get_current(), LookupError("mine")
    with pytest.raises(LookupError) as raised, otelml.attributes({"shop.name": "a"}):
        raise error
    assert raised.value is error
    assert get_current() == before


def test_refused_attributes_leave_the_context_alone() -> None:
    """A block that is not entered changes nothing."""
    before = get_current()
    with pytest.raises(TypeError, match=r"'shop\.name' is <object"), otelml.attributes({"shop.name": object()}):  # type: ignore[dict-item]
        pytest.fail("entered")
    assert get_current() == before


def test_attributes_are_copied(telemetry: Telemetry) -> None:
    """What the application does to its dict afterwards does not matter."""
    values: dict[str, str] = {"shop.name": "a"}
    with otelml.attributes(values):
        values["shop.name"] = "b"
        Model().predict([0])
    assert given(telemetry) == [{"shop.name": "a"}]


def test_as_a_decorator(telemetry: Telemetry) -> None:
    """A function can be decorated, and may be called more than once."""

    @otelml.attributes({"shop.name": "a"})
    def serve() -> None:
        Model().predict([0])

    serve()
    serve()
    assert given(telemetry) == [{"shop.name": "a"}] * 2


def test_threads_have_their_own(telemetry: Telemetry) -> None:
    """A thread starts without the attributes, unless it runs in a copy of the context."""
    with otelml.attributes({"shop.name": "a"}):
        copy = contextvars.copy_context()
        for target in (lambda: Model().predict([0]), lambda: copy.run(Model().predict, [0])):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert given(telemetry) == [{}, {"shop.name": "a"}]


def test_tasks_do_not_mix(telemetry: Telemetry) -> None:
    """Coroutines that take turns keep their own attributes."""

    async def serve(shop: str) -> None:
        with otelml.attributes({"shop.name": shop}):
            for _ in range(3):
                await asyncio.sleep(0)
                Model().predict([0])

    async def main() -> None:
        await asyncio.gather(serve("a"), serve("b"))

    asyncio.run(main())
    names = [it["shop.name"] for it in given(telemetry)]
    assert names == ["a", "b"] * 3


def test_generators_that_are_left_open(telemetry: Telemetry) -> None:
    """A generator that is suspended inside a block does not lend its attributes to those outside, once it is closed."""

    def serve() -> Generator[int, None, None]:
        with otelml.attributes({"shop.name": "a"}):
            Model().predict([0])
            yield 1

    generator = serve()
    next(generator)
    generator.close()
    Model().predict([0])
    assert given(telemetry) == [{"shop.name": "a"}, {}]
