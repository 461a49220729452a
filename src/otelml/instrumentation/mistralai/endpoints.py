"""What the calls of Mistral's client are, by pure extractors of keyword arguments: the methods take no others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.openai_api import answers, requests
from otelml.instrumentation._genai.openai_api import content as openai_content
from otelml.instrumentation._genai.openai_api.usage import usage_of
from otelml.instrumentation._genai.reading import count, get, scalars, text, words
from otelml.instrumentation.mistralai import content
from otelml.instrumentation.mistralai.stream import ChunkCollector, ConversationCollector, FrameCollector, chat_answer
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import Answer, Endpoint, Request
from otelml.telemetry.genai.facts import Field

Keywords = Mapping[str, Any]

_FIELDS = {
    "frequency_penalty": "frequency_penalty",
    "max_tokens": "max_tokens",
    "output_dimension": "dimensions",
    "presence_penalty": "presence_penalty",
    "random_seed": "seed",
    "reasoning_effort": "reasoning_level",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
}
_OUTPUTS = {"json_object": Outputs.JSON, "json_schema": Outputs.JSON, "text": Outputs.TEXT}


def _fields(given: Keywords) -> dict[str, Field]:
    fields = scalars(given, _FIELDS)
    stop = words(given.get("stop"))
    if stop:
        fields["stop_sequences"] = stop
    choices = count(given.get("n"))
    if choices is not None and choices != 1:
        fields["choice_count"] = choices
    output = _OUTPUTS.get(str(get(given.get("response_format"), "type")))
    if output is not None:
        fields["output_type"] = output
    return fields


def _asked(operation: str, streams: bool, given: Keywords) -> Request:
    fields = _fields(given)
    if streams:
        fields["stream"] = True
    return Request(operation, text(given.get("model")), fields)


def _conversed(streams: bool, given: Keywords) -> Request:
    arguments = given.get("completion_args")
    fields = _fields(arguments) if isinstance(arguments, Mapping) else {}
    if streams:
        fields["stream"] = True
    return Request(Operations.CHAT, text(given.get("model")), fields, text(given.get("conversation_id")))


def _embeddings(given: Keywords) -> Request:
    fields = _fields(given)
    encoding = text(given.get("encoding_format"))
    if encoding is not None:
        fields["encoding_formats"] = (encoding,)
    return Request(Operations.EMBEDDINGS, text(given.get("model")), fields)


def _other(operation: str, method: str, given: Keywords) -> Request:
    return Request(operation, text(given.get("model")), {"method": method}, metered=False)


def _conversation(result: Any) -> Answer:
    return Answer(
        conversation_id=text(getattr(result, "conversation_id", None)),
        usage=usage_of(getattr(result, "usage", None)),
        content=partial(content.of_outputs, getattr(result, "outputs", None)),
    )


def completion(operation: str, *, streams: bool = False) -> Endpoint:
    """A chat, a fill-in-the-middle, or the completion of an agent."""
    said = content.of_fim if operation == Operations.TEXT_COMPLETION else openai_content.of_chat
    return Endpoint(partial(_asked, operation, streams), chat_answer, ChunkCollector if streams else None, said)


def conversation(*, streams: bool = False) -> Endpoint:
    """A turn of a conversation, which a model or an agent at Mistral answers."""
    collector = ConversationCollector if streams else None
    return Endpoint(partial(_conversed, streams), _conversation, collector, content.of_inputs)


def other(operation: str, method: str) -> Endpoint:
    """Something that is not charged by tokens."""
    return Endpoint(partial(_other, operation, method), answers.other)


EMBEDDINGS = Endpoint(_embeddings, answers.embeddings)
RESPONSES = Endpoint(requests.responses, answers.response, FrameCollector, openai_content.of_responses)
"""Of OpenAI's form; it streams where its `stream` says so."""
