"""The table of endpoints: the path of a request -> what kind of call it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from otelml.instrumentation._genai.anthropic_api import content, messages
from otelml.instrumentation._genai.anthropic_api.stream import MessageCollector, OtherCollector
from otelml.instrumentation._genai.paths import method_name
from otelml.instrumentation._genai.reading import text
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.telemetry.genai import Answer, Endpoint, Request

_MESSAGES = Endpoint(messages.request, messages.answer, MessageCollector, content.of_request)

_FAMILIES = (("messages/batches", Operations.BATCH), ("files", Operations.FILE))
"""What every request below these paths is."""

_WORDS = frozenset(
    "agents api_keys archive batches cancel complete content count_tokens credentials cost_report deployments "
    "environments events experimental files invites members memories memory_stores messages models organizations "
    "permissions resources results sessions skills stop stream threads usage_report user_profiles users vaults "
    "versions work workspaces".split()
)
_VERBS = ("archive", "cancel", "complete", "content", "count_tokens", "results", "stop", "stream")


def endpoint(method: str, path: str) -> Endpoint:
    """The kind of a request; paths of the beta API differ by their query only."""
    path = path.partition("?")[0]
    if method == "post" and path == "/v1/messages":
        return _MESSAGES
    path = path.removeprefix("/v1/").strip("/")
    operation = next((found for start, found in _FAMILIES if path.startswith(start)), Operations.OTHER)
    return _other(operation, method_name(method, path, _WORDS, _VERBS))


@lru_cache(maxsize=256)
def _other(operation: str, name: str) -> Endpoint:
    return Endpoint(partial(_request, operation, name), _answer, OtherCollector)


def _request(operation: str, name: str, body: Mapping[str, Any]) -> Request:
    return Request(operation, text(body.get("model")), {"method": name}, metered=False)


def _answer(result: Any) -> Answer:
    return Answer(id=text(getattr(result, "id", None)))
