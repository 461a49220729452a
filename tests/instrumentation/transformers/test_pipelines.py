"""Text-generation pipelines of Transformers: what they are given says what kind of call it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.instrumentation.transformers.models import NAME, PROMPT, llama, saying, tokenizer, transformers
from tests.support.genai import DURATION, Switch, tokens
from tests.support.telemetry import Telemetry

pytestmark = pytest.mark.filterwarnings("ignore")  # of Transformers, about what the CPU lacks

on = pytest.mark.usefixtures("instrumented")
CHAT = [{"role": "system", "content": "you are kind"}, {"role": "user", "content": "the weather"}]


def pipeline(**given: Any) -> Any:
    """A pipeline with the tiny model."""
    return transformers.pipeline("text-generation", model=llama(), tokenizer=tokenizer(), device="cpu", **given)


@on
def test_a_chat(telemetry: Telemetry) -> None:
    """Messages make a chat, whose tokens are those of the whole template."""
    result = pipeline()(CHAT, max_new_tokens=4, do_sample=False, logits_processor=saying("rain is sun"))
    assert result[0]["generated_text"][-1] == {"role": "assistant", "content": "rain is sun"}
    span = telemetry.span(f"chat {NAME}")
    assert span.attributes[names.GEN_AI_REQUEST_MAX_TOKENS] == 4
    assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert tokens(telemetry) == {"input": 7, "output": 4}
    assert names.GEN_AI_INPUT_MESSAGES not in span.attributes


@on
@pytest.mark.usefixtures("with_torch")
def test_prompts_and_batches(telemetry: Telemetry) -> None:
    """Each time the model generates is a call: two prompts are two, in a batch of two they are one."""
    texts = [PROMPT, "the weather"]
    pipeline()(texts, max_new_tokens=2, do_sample=False)
    assert [it.name for it in telemetry.spans] == [f"text_completion {NAME}"] * 2
    assert tokens(telemetry)["input"] == 6
    telemetry.span_exporter.clear()
    pipeline(batch_size=2)(texts, max_new_tokens=2, do_sample=False)
    assert len(telemetry.span().attributes[names.GEN_AI_RESPONSE_FINISH_REASONS]) == 2
    assert tokens(telemetry)["input"] == 12
    assert telemetry.point(DURATION).count == 3
    assert telemetry.points("ml.inference.calls") == []


@on
def test_an_empty_prompt(telemetry: Telemetry) -> None:
    """The model begins with its own first token, which is the input."""
    pipeline()("", max_new_tokens=2, min_new_tokens=2, do_sample=False)
    assert tokens(telemetry) == {"input": 1, "output": 2}


@pytest.mark.parametrize("batch_size", [1, 2])
def test_content_of_chats(switch_on: Switch, telemetry: Telemetry, batch_size: int) -> None:
    """What was said, in OpenTelemetry's form, where content is wanted."""
    switch_on(genai_content="span_only")
    pipeline(batch_size=batch_size)(
        [CHAT] * batch_size, max_new_tokens=4, do_sample=False, logits_processor=saying(*["rain is sun"] * batch_size)
    )
    found = telemetry.span().attributes
    said = json.loads(found[names.GEN_AI_INPUT_MESSAGES])
    assert said[1] == {"role": "user", "parts": [{"type": "text", "content": "the weather"}]}
    assert len(said) == 2 * batch_size
    told = json.loads(found[names.GEN_AI_OUTPUT_MESSAGES])
    assert (
        told
        == [{"role": "assistant", "parts": [{"type": "text", "content": "rain is sun"}], "finish_reason": "stop"}]
        * batch_size
    )


def test_content_of_ids(switch_on: Switch, telemetry: Telemetry) -> None:
    """Ids are read with the tokenizer of a streamer; without one nothing is said of them."""
    switch_on(genai_content="span_only")
    asked = tokenizer()(PROMPT, return_tensors="pt")
    streamer = transformers.TextIteratorStreamer(tokenizer())
    llama().generate(**asked, max_new_tokens=2, streamer=streamer, logits_processor=saying("sun"), do_sample=False)
    llama().generate(**asked, max_new_tokens=2)
    read, unread = (it.attributes for it in telemetry.spans)
    assert PROMPT in read[names.GEN_AI_INPUT_MESSAGES]
    assert "sun" in read[names.GEN_AI_OUTPUT_MESSAGES]
    assert not {names.GEN_AI_INPUT_MESSAGES, names.GEN_AI_OUTPUT_MESSAGES} & set(unread)


@pytest.mark.usefixtures("instrumented", "with_torch")
def test_other_pipelines_stay_inference_calls(telemetry: Telemetry) -> None:
    """A classifier completes no text."""
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer()),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=2,
        num_labels=2,
    )
    model = transformers.LlamaForSequenceClassification(config).eval()
    transformers.pipeline("text-classification", model=model, tokenizer=tokenizer(), device="cpu")(PROMPT)
    assert [it.name for it in telemetry.spans] == ["predict LlamaForSequenceClassification"]
