"""Every function of ours is made to raise in turn: the application gets what it would have got."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from otelml.telemetry.genai.abandoned import UNDERTAKER
from tests.conformance.faults import Site, sites
from tests.instrumentation.openai.conftest import Switch
from tests.support.fakes.openai import TEXT, FakeOpenAI, error
from tests.support.telemetry import Telemetry

_MODULES = (
    "otelml.telemetry.genai",
    "otelml.telemetry.content",
    "otelml.instrumentation.openai",
    "otelml.instrumentation._genai",
)
_RUNS_THE_HOST_S_CODE = (
    "calls:Calls.call",
    "calls:_detach",
    "events:TappedStream",
    "stream:StreamState.take",  # stands for the guard
    "stream:_chunks",
    "stream:_Chunks",
    "stream:_AsyncChunks",
    "stream:_Stream.__del__",
    "stream:SyncStream",
    "stream:AsyncStream",
    "raw:RawResponse.parse",
    "raw:RawResponse._self_taken",
    "raw:RawResponse.close",
    "raw:RawResponse.__del__",
    "raw:AsyncRawResponse",
)
"""What stands between the application and the library; it does nothing of its own that could fail."""
_SWITCHING = ("handler:GenAITelemetry.__init__", "configure", "base:", "instruments:Instruments.__init__", "Undertaker")
_OF_THE_APPLICATION = ("genai.activity", "genai.decorating", "Undertaker._work")

SITES = [
    site
    for site in sites(*_MODULES)
    if not any(part in site.name for part in (*_RUNS_THE_HOST_S_CODE, *_SWITCHING, *_OF_THE_APPLICATION))
]


def workload(client: Any, api: FakeOpenAI) -> list[object]:
    """What an application gets of answers, streams, raw responses and errors."""
    import openai

    messages = [{"role": "user", "content": "Hello"}]
    ask = {"model": "m", "messages": messages}
    got: list[object] = [client.chat.completions.create(**ask).choices[0].message.content]
    got.append(len(list(client.chat.completions.create(**ask, stream=True))))
    with client.chat.completions.create(**ask, stream=True) as stream:
        got.append(next(stream).choices[0].delta.role)
    dropped = client.chat.completions.create(**ask, stream=True)
    response = dropped.response
    del dropped
    response.close()
    got.append(client.responses.create(model="m", input="Hello", stream=False).output_text)
    got.append(len(list(client.responses.create(model="m", input="Hello", stream=True))))
    got.append(client.chat.completions.with_raw_response.create(**ask).parse().choices[0].finish_reason)
    raw = client.chat.completions.with_raw_response.create(**ask, stream=True)
    got.append(len(list(raw.parse())))
    with client.chat.completions.with_streaming_response.create(**ask) as opened:
        got.append(opened.json()["object"])
    with client.chat.completions.with_streaming_response.create(**ask, stream=True) as opened:
        got.append(len(list(opened.iter_lines())))
    got.append(client.embeddings.create(model="e", input="Hello").data[0].index)
    got.append(client.models.retrieve("gpt-5-mini").id)
    api.reply("/v1/chat/completions", error(429, "No."))
    try:
        client.chat.completions.create(**ask)
    except openai.RateLimitError as raised:
        got.append(raised.status_code)
    gc.collect()
    UNDERTAKER.flush()
    return got


EXPECTED = [TEXT, 5, "assistant", TEXT, 6, "stop", 5, "chat.completion", 12, 0, "gpt-5-mini", 429]


def give(_model: str) -> Any:
    """A tokenizer for every model: a token is a character."""
    return len


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_a_function_that_raises(
    client: Any, api: FakeOpenAI, contained_faults: None, switch_on: Switch, telemetry: Telemetry, site: Site
) -> None:
    """The application sees nothing of a fault, and the next call is told as ever."""
    switch_on(genai_content="span_and_event", genai_chunk_histogram=True, genai_redact="x", genai_tokenizers=(give,))

    with site.faulty():
        assert workload(client, api) == EXPECTED
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()
    client.chat.completions.create(model="after", messages=[])

    assert telemetry.span_exporter.get_finished_spans()[-1].name == "chat after"


def test_the_workload_without_telemetry(client: Any, api: FakeOpenAI) -> None:
    """What is expected above is what the library gives by itself."""
    assert workload(client, api) == EXPECTED
