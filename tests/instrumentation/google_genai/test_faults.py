"""Every function of the hook is made to raise in turn: the application gets what it would have got."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.faults import Site, sites
from tests.support.fakes.google_genai import EVENTS, PIECES, TEXT, FakeGoogle, error
from tests.support.genai import Switch
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "gemini-3-flash", "contents": "Hello"}
_RUNS_THE_HOST_S_CODE = ("Opening.__iter__", "Opening.__next__", "Connecting.__a", "live:connect")

SITES = [
    site
    for site in sites("otelml.instrumentation.google_genai")
    if not any(part in site.name for part in _RUNS_THE_HOST_S_CODE)
]


def workload(client: Any, api: FakeGoogle) -> list[object]:
    """What an application gets of answers, streams and errors."""
    from google.genai import errors

    got: list[object] = [client.models.generate_content(**ASK).text]
    got.append(len(list(client.models.generate_content_stream(**ASK))))
    got.append(client.chats.create(model="gemini-3-flash").send_message("Hello").text)
    got.append(len(client.models.embed_content(**ASK).embeddings))
    got.append(client.models.count_tokens(**ASK).total_tokens)
    got.append(client.interactions.create(model="gemini-3-flash", input="Hello").output_text)
    got.append(len(list(client.interactions.create(model="gemini-3-flash", input="Hello", stream=True))))
    api.reply("/v1beta/models/gemini-3-flash:generateContent", error(429, "RESOURCE_EXHAUSTED"))
    try:
        client.models.generate_content(**ASK)
    except errors.ClientError as raised:
        got.append(raised.code)
    return got


EXPECTED = [TEXT, len(PIECES), TEXT, 1, 421, TEXT, len(EVENTS), 429]


pytestmark = pytest.mark.filterwarnings("ignore")  # of google-genai 3.4, about its own use of aiohttp


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_a_function_that_raises(
    client: Any, api: FakeGoogle, contained_faults: None, switch_on: Switch, telemetry: Telemetry, site: Site
) -> None:
    """The application sees nothing of a fault, and the next call is told as ever."""
    switch_on(genai_content="span_and_event")

    with site.faulty():
        assert workload(client, api) == EXPECTED
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()
    client.models.generate_content(**ASK)

    assert telemetry.span_exporter.get_finished_spans()[-1].name == "generate_content gemini-3-flash"


def test_the_workload_without_telemetry(client: Any, api: FakeGoogle) -> None:
    """What is expected above is what the client gives by itself."""
    assert workload(client, api) == EXPECTED
