"""Pure: the body of a request -> what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import Request
from otelml.telemetry.genai.facts import Field

Body = Mapping[str, Any]

_FIELDS = {
    "dimensions": "dimensions",
    "frequency_penalty": "frequency_penalty",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "presence_penalty": "presence_penalty",
    "previous_response_id": "previous_response_id",
    "reasoning_effort": "reasoning_level",
    "seed": "seed",
    "stream": "stream",
    "temperature": "temperature",
    "top_k": "top_k",  # not OpenAI's; vLLM and others take it
    "top_p": "top_p",
}
"""The keys of a body that are told as they are, and the fields that they are."""

_SCALARS = (str, bool, int, float)
_JSON_FORMATS = ("json_object", "json_schema")


def _fields(body: Body) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for key, value in body.items():
        field = _FIELDS.get(key)
        if field is not None and isinstance(value, _SCALARS):
            fields[field] = value
    if fields.get("stream") is False:
        del fields["stream"]
    choices = body.get("n")
    if type(choices) is int and choices != 1:
        fields["choice_count"] = choices
    stop = body.get("stop")
    if isinstance(stop, str):
        fields["stop_sequences"] = (stop,)
    elif isinstance(stop, (list, tuple)) and all(isinstance(word, str) for word in stop):
        fields["stop_sequences"] = tuple(stop)
    return fields


def _model(body: Body) -> str | None:
    model = body.get("model")
    return model if isinstance(model, str) else None


def _output_type(format_: object) -> str | None:
    kind = format_.get("type") if isinstance(format_, Mapping) else None
    if kind in _JSON_FORMATS:
        return Outputs.JSON
    return Outputs.TEXT if kind == "text" else None


def chat(body: Body) -> Request:
    """Of a chat completion."""
    fields = _fields(body)
    output = _output_type(body["response_format"]) if "response_format" in body else None
    if output is not None:
        fields["output_type"] = output
    return Request(Operations.CHAT, _model(body), fields)


def responses(body: Body) -> Request:
    """Of a response, whose conversation, prompt and reasoning are objects."""
    fields = _fields(body)
    text, prompt, reasoning = body.get("text"), body.get("prompt"), body.get("reasoning")
    output = _output_type(text.get("format")) if isinstance(text, Mapping) else None
    if output is not None:
        fields["output_type"] = output
    if isinstance(prompt, Mapping):
        fields.update(_texts(prompt, id="prompt_name", version="prompt_version"))
    if isinstance(reasoning, Mapping):
        fields.update(_texts(reasoning, effort="reasoning_level"))
    conversation = body.get("conversation")
    if isinstance(conversation, Mapping):
        conversation = conversation.get("id")
    return Request(
        Operations.CHAT,
        _model(body),
        fields,
        conversation if isinstance(conversation, str) else None,
        metered=not body.get("background"),
    )


def _texts(source: Mapping[str, Any], **wanted: str) -> dict[str, Field]:
    return {field: source[key] for key, field in wanted.items() if isinstance(source.get(key), str)}


def completions(body: Body) -> Request:
    """Of a legacy completion."""
    return Request(Operations.TEXT_COMPLETION, _model(body), _fields(body))


def embeddings(body: Body) -> Request:
    """Of embeddings."""
    fields = _fields(body)
    encoding = body.get("encoding_format")
    if isinstance(encoding, str):
        fields["encoding_formats"] = (encoding,)
    return Request(Operations.EMBEDDINGS, _model(body), fields)


def other(operation: str, method: str, body: Body, output: str | None = None) -> Request:
    """Of any other call.

    Args:
        operation: a value of `gen_ai.operation.name`.
        method: as the API names it, without ids.
        body: what is sent; may be empty.
        output: a value of `gen_ai.output.type`.
    """
    fields: dict[str, Field] = {"method": method}
    if output is not None:
        fields["output_type"] = output
    if body.get("stream") is True:
        fields["stream"] = True
    return Request(operation, _model(body), fields, metered=False)
