"""A receiver with a store behind it, and a console whose output can be read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console, RenderableType

from otelml.viewer.receiver import OtlpReceiver
from otelml.viewer.store import TelemetryStore
from tests.viewer.requests_by_hand import MAX_BYTES, Received


@pytest.fixture
def store() -> TelemetryStore:
    """An empty store."""
    return TelemetryStore()


@pytest.fixture
def endpoint(store: TelemetryStore) -> Iterator[str]:
    """Where OTLP/HTTP is received into the store."""
    with OtlpReceiver(store.add) as receiver:
        yield receiver.http_endpoint


@pytest.fixture
def render() -> Callable[..., list[str]]:
    """Renders something as lines of text, as wide as asked."""

    def lines(renderable: RenderableType, width: int = 100) -> list[str]:
        output = io.StringIO()
        Console(file=output, width=width, force_terminal=False).print(renderable)
        return [line.rstrip() for line in output.getvalue().splitlines()]

    return lines


@pytest.fixture
def received() -> Received:
    """What the receiver has handed on."""
    return []


@pytest.fixture
def receiver(received: Received) -> Iterator[OtlpReceiver]:
    """A running receiver with a low limit."""
    with OtlpReceiver(lambda signal, request: received.append((signal, request)), max_bytes=MAX_BYTES) as running:
        yield running
