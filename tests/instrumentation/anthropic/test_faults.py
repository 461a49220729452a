"""Every function of the hook is made to raise in turn: the application gets what it would have got."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.faults import Site, sites
from tests.support.fakes.anthropic import EVENTS, PATH, TEXT, FakeAnthropic, error
from tests.support.genai import Switch
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "claude", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
_RUNS_THE_HOST_S_CODE = "patch:_unless_inner"

SITES = [site for site in sites("otelml.instrumentation.anthropic") if _RUNS_THE_HOST_S_CODE not in site.name]


def workload(client: Any, api: FakeAnthropic) -> list[object]:
    """What an application gets of answers, streams, raw responses and errors."""
    import anthropic

    got: list[object] = [client.messages.create(**ASK).content[0].text]
    got.append(len(list(client.messages.create(**ASK, stream=True))))
    with client.messages.stream(**ASK) as helped:
        got.append(helped.get_final_text())
    got.append(client.messages.with_raw_response.create(**ASK).parse().stop_reason)
    got.append(client.messages.count_tokens(model="claude", messages=ASK["messages"]).input_tokens)
    api.reply(PATH, error(429, "rate_limit_error"))
    try:
        client.messages.create(**ASK)
    except anthropic.RateLimitError as raised:
        got.append(raised.status_code)
    return got


EXPECTED = [TEXT, len(EVENTS) - 1, TEXT, "end_turn", 421, 429]


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_a_function_that_raises(
    client: Any, api: FakeAnthropic, contained_faults: None, switch_on: Switch, telemetry: Telemetry, site: Site
) -> None:
    """The application sees nothing of a fault, and the next call is told as ever."""
    switch_on(genai_content="span_and_event")

    with site.faulty():
        assert workload(client, api) == EXPECTED
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()
    client.messages.create(**{**ASK, "model": "after"})

    assert telemetry.span_exporter.get_finished_spans()[-1].name == "chat after"


def test_the_workload_without_telemetry(client: Any, api: FakeAnthropic) -> None:
    """What is expected above is what the client gives by itself."""
    assert workload(client, api) == EXPECTED
