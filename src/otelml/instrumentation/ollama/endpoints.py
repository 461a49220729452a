"""The table of endpoints: the path of a request -> what kind of call it is, by pure extractors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import count, scalars, text, words
from otelml.instrumentation.ollama import content
from otelml.instrumentation.ollama.stream import ChunkCollector, ProgressCollector, answer_of
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import Answer, Endpoint, Request, TokenUsage
from otelml.telemetry.genai.facts import Field

Body = Mapping[str, Any]

_FIELDS = {"dimensions": "dimensions", "stream": "stream"}
_OPTIONS = {
    "frequency_penalty": "frequency_penalty",
    "num_predict": "max_tokens",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
}


def _fields(body: Body) -> dict[str, Field]:
    fields = scalars(body, _FIELDS)
    options = body.get("options")
    if isinstance(options, Mapping):
        fields.update(scalars(options, _OPTIONS))
        stop = words(options.get("stop"))
        if stop:
            fields["stop_sequences"] = stop
    if body.get("format"):
        fields["output_type"] = Outputs.JSON
    level = text(body.get("think"))
    if level is not None:
        fields["reasoning_level"] = level
    return fields


def _asked(operation: str, prompt: str, body: Body) -> Request:
    # Without a prompt the server only loads the model.
    return Request(operation, text(body.get("model")), _fields(body), metered=bool(body.get(prompt)))


def _embedded(result: Any) -> Answer:
    tokens = TokenUsage(count(getattr(result, "prompt_eval_count", None)))
    return Answer(text(getattr(result, "model", None)), usage=tokens)


def _scored(result: Any) -> Answer:
    usage = getattr(result, "usage", None)
    tokens = TokenUsage(count(getattr(usage, "input_tokens", None)), count(getattr(usage, "output_tokens", None)))
    return Answer(text(getattr(result, "model", None)), usage=tokens)


def _other(method: str, body: Body) -> Request:
    fields: dict[str, Field] = {"method": method}
    if body.get("stream"):
        fields["stream"] = True
    return Request(Operations.OTHER, text(body.get("model")), fields, metered=False)


_METHODS = (
    "/api/pull",
    "/api/push",
    "/api/create",
    "/api/tags",
    "/api/show",
    "/api/ps",
    "/api/web_search",
    "/api/web_fetch",
)
"""What is neither inference nor embedding, and has no tokens."""

_BY_PATH = {
    "/api/chat": Endpoint(partial(_asked, Operations.CHAT, "messages"), answer_of, ChunkCollector, content.of_chat),
    "/api/generate": Endpoint(
        partial(_asked, Operations.TEXT_COMPLETION, "prompt"), answer_of, ChunkCollector, content.of_generate
    ),
    "/api/embed": Endpoint(partial(_asked, Operations.EMBEDDINGS, "input"), _embedded),
    # The older of the two tells no tokens (0.6).
    "/api/embeddings": Endpoint(partial(_asked, Operations.EMBEDDINGS, ""), _embedded),
    "/v1/systemone": Endpoint(partial(_asked, Operations.GENERATE_CONTENT, "questions"), _scored),
    **{path: Endpoint(partial(_other, path.rpartition("/")[2]), collector=ProgressCollector) for path in _METHODS},
}
_UNKNOWN = Endpoint(partial(_other, "other"), collector=ProgressCollector)


def endpoint(path: str) -> Endpoint:
    """The kind of a request."""
    return _BY_PATH.get(path, _UNKNOWN)
