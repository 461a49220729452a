"""Every function of the hook is made to raise in turn: the application gets what it would have got."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.faults import Site, sites
from tests.instrumentation.transformers.models import PROMPT, llama, saying, tokenizer, transformers
from tests.support.genai import Switch
from tests.support.telemetry import Telemetry

pytestmark = pytest.mark.filterwarnings("ignore")  # of Transformers, about what the CPU lacks

_RUNS_THE_HOST_S_CODE = ("Generations.call", "Timed.put", "patch:_forward")
SITES = [
    site
    for site in [*sites("otelml.instrumentation.transformers"), *sites("otelml.instrumentation._generation")]
    if not any(part in site.name for part in (*_RUNS_THE_HOST_S_CODE, "TransformersInstrumentor", "claim_with"))
]


def workload() -> list[object]:
    """What an application gets of a pipeline, a stream, and an error."""
    pipe = transformers.pipeline("text-generation", model=llama(), tokenizer=tokenizer(), device="cpu")
    asked: dict[str, Any] = {"max_new_tokens": 4, "do_sample": False}
    chat = pipe([{"role": "user", "content": PROMPT}], **asked, logits_processor=saying("rain is sun"))
    streamer = transformers.TextIteratorStreamer(tokenizer(), skip_prompt=True, skip_special_tokens=True)
    ids = tokenizer()(PROMPT, return_tensors="pt")
    llama().generate(**ids, **asked, streamer=streamer, logits_processor=saying("sun is"))
    try:
        llama().generate(**ids, no_such_argument=True)
    except ValueError as raised:
        failed = "no_such_argument" in str(raised)
    return [chat[0]["generated_text"][-1]["content"], "".join(streamer).split(), failed]


EXPECTED = ["rain is sun", ["sun", "is"], True]


@pytest.mark.slow
@pytest.mark.usefixtures("with_torch")
@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_a_function_that_raises(switch_on: Switch, contained_faults: None, telemetry: Telemetry, site: Site) -> None:
    """The application sees nothing of a fault."""
    switch_on(genai_content="span_and_event")
    with site.faulty():
        assert workload() == EXPECTED
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()


def test_the_workload_without_telemetry() -> None:
    """What is expected above is what the library gives by itself."""
    assert workload() == EXPECTED
