"""LiteLLM over a fake of OpenAI's API, with OpenAI's hook on as well: one span and one count of tokens for each call.

LiteLLM (1.106) has over 100 MB and wants older releases of OpenAI's client and of huggingface_hub than the rest of the
tests, so it is in an environment of its own: `pip install litellm mcp pytest otelml`, then run this folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.litellm import LiteLLMInstrumentor
from otelml.instrumentation.openai import OpenAIInstrumentor
from otelml.semconv import attributes as names
from tests.support.fakes.openai import TEXT, FakeOpenAI, error
from tests.support.genai import DURATION, Switch, leave, leave_async, switching, tokens
from tests.support.telemetry import Telemetry

pytestmark = [
    pytest.mark.slow,
    # LiteLLM leaves event loops and connections open, and has fields that pydantic deprecates.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.skipif(find_spec("litellm") is None, reason="LiteLLM needs an environment of its own"),
]

MODEL = "openai/gpt-5-mini"
NAME = "chat gpt-5-mini"
MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def api() -> Iterator[FakeOpenAI]:
    """The far end, with an empty script."""
    fake = FakeOpenAI()
    yield fake
    fake.close()


@pytest.fixture
def litellm(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, which fetches no table of prices."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    return litellm


@pytest.fixture
def switch_on(litellm: Any, telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentations of LiteLLM and of OpenAI's client on."""
    with switching(OpenAIInstrumentor(), telemetry) as inner, switching(LiteLLMInstrumentor(), telemetry) as on:
        inner()
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def ask(api: FakeOpenAI) -> dict[str, Any]:
    """The arguments of a completion."""
    return {"model": MODEL, "messages": MESSAGES, "api_base": api.base_url, "api_key": "none", "max_retries": 0}


on = pytest.mark.usefixtures("instrumented")


@on
def test_a_completion_is_one_span_and_one_count(
    litellm: Any, api: FakeOpenAI, ask: dict[str, Any], telemetry: Telemetry
) -> None:
    """LiteLLM's span is the only one: with provider, the provider's name of the model, server, answer and tokens."""
    answer = litellm.completion(**ask, seed=7)

    assert answer.choices[0].message.content == TEXT
    span = telemetry.span(NAME)
    assert span.scope == "otelml.instrumentation.litellm"
    assert span.attributes[names.GEN_AI_PROVIDER_NAME] == "openai"
    assert span.attributes[names.GEN_AI_REQUEST_MODEL] == "gpt-5-mini"
    assert (span.attributes[names.SERVER_ADDRESS], span.attributes[names.SERVER_PORT]) == ("127.0.0.1", api.port)
    assert span.attributes[names.GEN_AI_REQUEST_SEED] == 7
    assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert span.attributes[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 8
    assert tokens(telemetry) == {"input": 19, "output": 10}
    assert telemetry.point(DURATION).count == 1


@on
def test_the_asynchronous_twins(litellm: Any, api: FakeOpenAI, ask: dict[str, Any], telemetry: Telemetry) -> None:
    """Completions and embeddings, awaited: one span and one count each."""
    where = {"api_base": api.base_url, "api_key": "none"}

    async def both() -> None:
        await litellm.acompletion(**ask)
        await litellm.aembedding("openai/text-embedding-3-small", input=["Hello"], **where)

    asyncio.run(both())

    assert [span.name for span in telemetry.spans] == [NAME, "embeddings text-embedding-3-small"]
    assert tokens(telemetry)["output"] == 10


@on
def test_the_other_functions(litellm: Any, api: FakeOpenAI, ask: dict[str, Any], telemetry: Telemetry) -> None:
    """Embeddings, text completions, responses and the router: one span each."""
    where = {"api_base": api.base_url, "api_key": "none"}
    litellm.embedding("openai/text-embedding-3-small", ["Hello"], **where)
    litellm.text_completion(model="text-completion-openai/gpt-3.5-turbo-instruct", prompt="Say", **where)
    litellm.responses(model=MODEL, input="Hello", **where)
    router = litellm.Router([{"model_name": "mine", "litellm_params": {"model": MODEL, **where}}])
    router.completion("mine", MESSAGES)

    assert [span.name for span in telemetry.spans] == [
        "embeddings text-embedding-3-small",
        "text_completion gpt-3.5-turbo-instruct",
        NAME,
        NAME,
    ]


@on
def test_streams(litellm: Any, ask: dict[str, Any], telemetry: Telemetry) -> None:
    """Sync and async, read to their end: LiteLLM's objects, one span with chunks and tokens each."""
    from litellm import CustomStreamWrapper

    asked = {**ask, "stream": True, "stream_options": {"include_usage": True}}
    stream = litellm.completion(**asked)
    assert isinstance(stream, CustomStreamWrapper)
    assert "".join(it.choices[0].delta.content or "" for it in stream if it.choices) == TEXT

    async def read() -> None:
        assert [it async for it in await litellm.acompletion(**asked)]

    asyncio.run(read())

    assert [span.name for span in telemetry.spans] == [NAME, NAME]
    for span in telemetry.spans:
        assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] >= 4
        assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
        assert span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 10


@on
@pytest.mark.parametrize("how", ["dropped", "unread"])
def test_leaving_a_stream_is_no_error(litellm: Any, ask: dict[str, Any], telemetry: Telemetry, how: str) -> None:
    """Dropped or never read: one span that says so, and that has not failed."""
    leave(lambda: litellm.completion(**ask, stream=True), how, telemetry)


@on
def test_leaving_an_asynchronous_stream_is_no_error(litellm: Any, ask: dict[str, Any], telemetry: Telemetry) -> None:
    """Closed by the application: one span that says so."""
    leave_async(lambda: litellm.acompletion(**ask, stream=True), telemetry)


@on
def test_errors_are_the_application_s(litellm: Any, api: FakeOpenAI, ask: dict[str, Any], telemetry: Telemetry) -> None:
    """A refused request is LiteLLM's exception, and one failed span."""
    api.reply("/v1/chat/completions", error(401, "No key."))

    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(**ask)

    assert telemetry.span(NAME).attributes[names.ERROR_TYPE] == "litellm.exceptions.AuthenticationError"


@on
def test_its_own_callback_has_the_span(
    litellm: Any, ask: dict[str, Any], telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where LiteLLM's `otel` callback makes spans there is none of ours, and the metrics are."""
    monkeypatch.setattr(
        litellm, "callbacks", [type("OpenTelemetry", (litellm.integrations.custom_logger.CustomLogger,), {})()]
    )

    litellm.completion(**ask)

    assert telemetry.spans == []
    assert tokens(telemetry) == {"input": 19, "output": 10}


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(litellm: Any, ask: dict[str, Any], switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Prompts and answers are told only where content is wanted, streamed or not."""
    switch_on(genai_content=content)
    litellm.completion(**ask)
    list(litellm.completion(**ask, stream=True))

    for span in telemetry.spans:
        told = "".join(str(value) for value in span.attributes.values())
        assert [word in told for word in ("Hello", TEXT)] == [content == "span_only"] * 2


def test_off_and_suppressed_nothing_is_said(
    litellm: Any, ask: dict[str, Any], instrumented: GenAIInstrumentor, telemetry: Telemetry
) -> None:
    """Inside `suppress_instrumentation` nothing is said; after switching off the functions are the library's."""
    replaced = litellm.completion
    with suppress_instrumentation():
        litellm.completion(**ask)
    instrumented.uninstrument()

    assert telemetry.spans == []
    assert litellm.completion is replaced.__wrapped__
