"""The real client over a fake of the API on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.bedrock import BedrockInstrumentor
from tests.support.fakes.bedrock import FakeBedrock
from tests.support.genai import Switch, switching
from tests.support.telemetry import Telemetry


@pytest.fixture(scope="package")
def _api() -> Iterator[FakeBedrock]:
    fake = FakeBedrock()
    yield fake
    fake.close()


@pytest.fixture
def api(_api: FakeBedrock) -> FakeBedrock:
    """The far end, with an empty script."""
    _api.asked.clear()
    _api._script.clear()
    return _api


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(BedrockInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture(scope="package")
def _session() -> Any:
    import botocore.session

    return botocore.session.Session()


@pytest.fixture
def client(api: FakeBedrock, _session: Any) -> Iterator[Any]:
    """A client of Bedrock's runtime."""
    yield from _opened(_session, "bedrock-runtime", api)


@pytest.fixture
def queue(api: FakeBedrock, _session: Any) -> Iterator[Any]:
    """A client of another service of AWS."""
    yield from _opened(_session, "sqs", api)


def _opened(session: Any, service: str, api: FakeBedrock) -> Iterator[Any]:
    from botocore.config import Config

    made = session.create_client(
        service,
        region_name="eu-west-1",
        endpoint_url=api.url,
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(retries={"total_max_attempts": 2}),
    )
    yield made
    made.close()
