"""What the calls of Cohere's client are, by pure extractors of keyword arguments: the methods take no others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import get, items, scalars, text, words
from otelml.instrumentation.cohere import answers, content
from otelml.instrumentation.cohere.stream import ChatCollector, OldChatCollector
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import Answer, Endpoint, Request

Keywords = Mapping[str, Any]

_FIELDS = {
    "conversation_id": "conversation_id",
    "frequency_penalty": "frequency_penalty",
    "k": "top_k",
    "max_tokens": "max_tokens",
    "output_dimension": "dimensions",
    "p": "top_p",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "stream": "stream",
    "temperature": "temperature",
}


def _chat(given: Keywords) -> Request:
    fields = scalars(given, _FIELDS)
    conversation = fields.pop("conversation_id", None)
    stop = words(given.get("stop_sequences"))
    if stop:
        fields["stop_sequences"] = stop
    if get(given.get("response_format"), "type") == "json_object":
        fields["output_type"] = Outputs.JSON
    return Request(Operations.CHAT, text(given.get("model")), fields, text(conversation))


def _embed(given: Keywords) -> Request:
    fields = scalars(given, _FIELDS)
    formats = items(given.get("embedding_types"))
    if formats:
        fields["encoding_formats"] = tuple(str(it) for it in formats)
    return Request(Operations.EMBEDDINGS, text(given.get("model")), fields)


def _rerank(given: Keywords) -> Request:
    return Request(Operations.OTHER, text(given.get("model")), {"method": "rerank"}, metered=False)


def _of_data(read: Any, result: Any) -> Answer:
    found: Answer = read(result.data)
    return found


CHAT = Endpoint(_chat, partial(_of_data, answers.chat), ChatCollector, content.of_chat)
OLD_CHAT = Endpoint(_chat, partial(_of_data, answers.old_chat), OldChatCollector, content.of_old_chat)
EMBED = Endpoint(_embed, partial(_of_data, answers.embedded))
RERANK = Endpoint(_rerank, partial(_of_data, answers.reranked))
