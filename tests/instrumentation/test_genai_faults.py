"""Every function of the smaller GenAI hooks is made to raise in turn: the application gets what it would have got."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from otelml.instrumentation.cohere import CohereInstrumentor
from otelml.instrumentation.groq import GroqInstrumentor
from otelml.instrumentation.huggingface_hub import HuggingFaceHubInstrumentor
from otelml.instrumentation.mcp import MCPInstrumentor
from otelml.instrumentation.mistralai import MistralAIInstrumentor
from otelml.instrumentation.ollama import OllamaInstrumentor
from tests.conformance.faults import Site, sites
from tests.instrumentation.mcp import server
from tests.support.fakes.cohere import FakeCohere
from tests.support.fakes.groq import FakeGroq
from tests.support.fakes.huggingface import FakeHuggingFace
from tests.support.fakes.mistralai import FakeMistral
from tests.support.fakes.ollama import FakeOllama
from tests.support.genai import switching
from tests.support.telemetry import Telemetry

HOOKS = (
    CohereInstrumentor,
    GroqInstrumentor,
    HuggingFaceHubInstrumentor,
    MCPInstrumentor,
    MistralAIInstrumentor,
    OllamaInstrumentor,
)
_RUNS_THE_HOST_S_CODE = ("MCPCalls.call_tool", "MCPCalls.send_request", "mcp.patch:_told", "mcp.patch:_detach")
_BEFORE_ANY_CALL = (":_patches", "MCPCalls.__init__", "patch:_other", "endpoints:completion", "endpoints:conversation")
SITES = [
    site
    for site in sites(*(hook.__module__ for hook in HOOKS), "otelml.instrumentation._genai.methods")
    if not any(part in site.name for part in (*_RUNS_THE_HOST_S_CODE, *_BEFORE_ANY_CALL))
]
MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]
ASK: dict[str, Any] = {"model": "m", "messages": MESSAGES}


@pytest.fixture(scope="module")
def ends() -> Iterator[dict[str, Any]]:
    """The far ends, by name."""
    made: dict[str, Any] = {
        "cohere": FakeCohere(),
        "groq": FakeGroq(),
        "huggingface": FakeHuggingFace(),
        "mistral": FakeMistral(),
        "ollama": FakeOllama(),
    }
    yield made
    for end in made.values():
        end.close()


async def _tool() -> Any:
    from mcp.client import Client

    async with Client(server.made()) as client:
        result: Any = await client.call_tool("weather", {"city": "Bern"})
        return result.content[0].text


def workload(ends: dict[str, Any]) -> list[object]:
    """What an application gets of answers, streams and tools."""
    from cohere import ClientV2
    from groq import Groq
    from huggingface_hub import InferenceClient
    from mistralai.client import Mistral
    from ollama import Client

    with ClientV2("none", base_url=ends["cohere"].url) as cohere:
        got: list[object] = [cohere.chat(**ASK).id, len(list(cohere.chat_stream(**ASK)))]
        got.append(cohere.embed(model="e", texts=["a"], input_type="classification", embedding_types=["float"]).id)
    with Groq(api_key="none", base_url=ends["groq"].url) as groq:
        got += [groq.chat.completions.create(**ASK).object, len(list(groq.chat.completions.create(**ASK, stream=True)))]
    with InferenceClient(base_url=ends["huggingface"].url, token="hf_none") as hub:
        got += [hub.chat_completion(**ASK).object, len(list(hub.chat_completion(**ASK, stream=True)))]
        got += [hub.text_generation("a"), len(list(hub.text_generation("a", stream=True, details=True)))]
    with Mistral(api_key="none", server_url=ends["mistral"].url) as mistral:
        got += [mistral.chat.complete(**ASK).object, len(list(mistral.chat.stream(**ASK)))]
        got += [mistral.beta.conversations.start(inputs="a", model="m").conversation_id]
        got += [len(list(mistral.beta.conversations.start_stream(inputs="a", model="m")))]
    with Client(ends["ollama"].url) as ollama:
        got += [ollama.chat(**ASK).done_reason, len(list(ollama.chat(**ASK, stream=True)))]
        got += [ollama.embed("e", "a").model, len(list(ollama.pull("a", stream=True)))]
    return [*got, asyncio.run(_tool())]


EXPECTED = [
    *("c14c80c3", 8, "e1"),
    *("chat.completion", 3),
    *("chat.completion", 5, "It rains", 2),
    *("chat.completion", 3, "conv_1", 3),
    *("stop", 4, "all-minilm", 2),
    "rain in Bern",
]


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_a_function_that_raises(ends: dict[str, Any], contained_faults: None, telemetry: Telemetry, site: Site) -> None:
    """The application sees nothing of a fault."""
    with ExitStack() as stack:
        for hook in HOOKS:
            stack.enter_context(switching(hook(), telemetry))(genai_content="span_and_event")
        with site.faulty():
            assert workload(ends) == EXPECTED
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()


def test_the_workload_without_telemetry(ends: dict[str, Any]) -> None:
    """What is expected above is what the libraries give by themselves."""
    assert workload(ends) == EXPECTED
