"""Every function of the hook is made to raise in turn: the application gets what it would have got."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.faults import Site, sites
from tests.support.fakes.bedrock import EVENTS, STREAMED, TEXT, WHOLE, FakeBedrock, error
from tests.support.genai import Switch
from tests.support.telemetry import Telemetry

MODELS = {
    "anthropic.claude-v9:0": {"anthropic_version": "bedrock-2023-05-31", "messages": []},
    "amazon.nova-pro-v1:0": {"messages": []},
    "meta.llama4-v1:0": {"prompt": "Hello"},
}
ASK: dict[str, Any] = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
_RUNS_THE_HOST_S_CODE = ("RawBody.read", "RawBody.close", "RawBody.__del__")

SITES = [
    site
    for site in sites("otelml.instrumentation.bedrock", "otelml.instrumentation._genai.anthropic_api")
    if not any(part in site.name for part in _RUNS_THE_HOST_S_CODE)
]


def workload(client: Any, api: FakeBedrock) -> list[object]:
    """What an application gets of answers, streams, bodies and errors."""
    got: list[object] = [client.converse(**ASK)["output"]["message"]["content"][0]["text"]]
    got.append(len(list(client.converse_stream(**ASK)["stream"])))
    for model, body in MODELS.items():
        ask = {"modelId": model, "body": json.dumps(body)}
        got.append(json.loads(client.invoke_model(**ask)["body"].read()))
        got.append(len(list(client.invoke_model_with_response_stream(**ask)["body"])))
    got.append(b"".join(client.invoke_model(**ask)["body"].iter_chunks(10)))
    got.append(client.count_tokens(modelId="m", input={"converse": {"messages": []}})["inputTokens"])
    api.reply("/model/m/converse", error(403, "AccessDeniedException"))
    try:
        client.converse(**ASK)
    except client.exceptions.AccessDeniedException as raised:
        got.append(raised.response["Error"]["Code"])
    return got


LLAMA = WHOLE["meta.llama"]
EXPECTED = [
    TEXT,
    len(EVENTS),
    WHOLE["anthropic.claude"],
    len(STREAMED["anthropic.claude"]),
    WHOLE["amazon.nova"],
    len(STREAMED["amazon.nova"]),
    LLAMA,
    2,
    json.dumps(LLAMA).encode(),
    421,
    "AccessDeniedException",
]


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_a_function_that_raises(
    client: Any, api: FakeBedrock, contained_faults: None, switch_on: Switch, telemetry: Telemetry, site: Site
) -> None:
    """The application sees nothing of a fault, and the next call is told as ever."""
    switch_on(genai_content="span_and_event")

    with site.faulty():
        assert workload(client, api) == EXPECTED
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()
    client.converse(**{**ASK, "modelId": "after"})

    assert telemetry.span_exporter.get_finished_spans()[-1].name == "chat after"


def test_the_workload_without_telemetry(client: Any, api: FakeBedrock) -> None:
    """What is expected above is what the client gives by itself."""
    assert workload(client, api) == EXPECTED
