"""The table of endpoints: the path of a request -> what kind of call it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from otelml.instrumentation._genai.openai_api import answers, content, requests
from otelml.instrumentation._genai.openai_api.stream import ChatCollector, OtherCollector, ResponseCollector
from otelml.instrumentation._genai.openai_api.texts import said_in_chunk, said_in_event
from otelml.instrumentation._genai.reading import text
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import Answer, Endpoint, Request

_CREATE = {
    "/chat/completions": Endpoint(requests.chat, answers.chat, ChatCollector, content.of_chat, said_in_chunk),
    "/responses": Endpoint(
        requests.responses, answers.response, ResponseCollector, content.of_responses, said_in_event
    ),
    "/completions": Endpoint(requests.completions, answers.chat, ChatCollector, content.of_completions, said_in_chunk),
    "/embeddings": Endpoint(requests.embeddings, answers.embeddings),
}
"""What `POST` to these paths is."""

_FAMILIES: tuple[tuple[str, str, str | None], ...] = (
    ("/images/", Operations.IMAGE_GENERATION, Outputs.IMAGE),
    ("/audio/speech", Operations.SPEECH, Outputs.SPEECH),
    ("/audio/transcriptions", Operations.TRANSCRIPTION, Outputs.TEXT),
    ("/audio/translations", Operations.TRANSLATION, Outputs.TEXT),
    ("/moderations", Operations.MODERATION, None),
    ("/batches", Operations.BATCH, None),
    ("/files", Operations.FILE, None),
    ("/uploads", Operations.FILE, None),
    ("/fine_tuning", Operations.FINE_TUNING, None),
)
"""What every request below these paths is."""

_WORDS = frozenset(
    "assistants audio batches cancel chat checkpoints client_secrets compact complete completions containers content "
    "conversations edits embeddings evals events file_batches files fine_tuning generations images input_items "
    "input_tokens items jobs messages models moderations parts pause permissions realtime responses resume runs search "
    "sessions speech steps submit_tool_outputs threads transcriptions translations uploads variations vector_stores "
    "videos".split()
)
"""The words of the API's paths; what is none of them is an id."""

_METHODS = {"get": "retrieve", "post": "create", "delete": "delete", "patch": "update", "put": "update"}


def endpoint(method: str, path: str) -> Endpoint:
    """The kind of a request."""
    if method == "post":
        known = _CREATE.get(path)
        if known is not None:
            return known
    return _other(method, _pattern(path))


def _pattern(path: str) -> str:
    words = [word if word in _WORDS else "{id}" for word in path.split("?")[0].strip("/").split("/")]
    return "/" + "/".join(words[:6])


@lru_cache(maxsize=256)
def _other(method: str, pattern: str) -> Endpoint:
    if (method, pattern) == ("get", "/responses/{id}"):
        asked = partial(_request, Operations.FETCH_RESPONSE, "responses.retrieve", None)
        return Endpoint(asked, answers.fetched, partial(ResponseCollector, read=answers.fetched))
    name = _method_name(method, pattern)
    for start, operation, output in _FAMILIES:
        if pattern.startswith(start):
            return Endpoint(partial(_request, operation, name, output), answers.other, OtherCollector)
    return Endpoint(partial(_request, Operations.OTHER, name, None), _nothing, OtherCollector)


def _method_name(method: str, pattern: str) -> str:
    words = [word for word in pattern.strip("/").split("/") if word != "{id}"]
    verb = _METHODS.get(method, method)
    if verb == "retrieve" and not pattern.endswith("{id}"):
        verb = "list"
    return ".".join([*words, verb])


def _request(operation: str, name: str, output: str | None, body: Mapping[str, Any]) -> Request:
    return requests.other(operation, name, body, output)


def _nothing(result: Any) -> Answer:
    return Answer(id=text(getattr(result, "id", None)))
