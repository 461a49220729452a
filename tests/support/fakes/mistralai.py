"""Mistral's API as it answers: the shapes are those of its reference of 2026-10."""

from __future__ import annotations

from typing import Any

from tests.support.fakes import openai
from tests.support.fakes.http import Asked, FakeServer, Reply, sse

MODEL = "mistral-small-2603"
TEXT = "Bonjour!"
USAGE = {
    "prompt_tokens": 16,
    "completion_tokens": 34,
    "total_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 8},
}


def chat(**changes: Any) -> dict[str, Any]:
    """A completion."""
    message = {"role": "assistant", "content": TEXT, "tool_calls": None, "prefix": False}
    return {
        "id": "cmpl-e5cc70bb28c444948073e77776eb30ef",
        "object": "chat.completion",
        "created": 1702256327,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
        **changes,
    }


def chunk(text: str, finish_reason: str | None = None, **changes: Any) -> dict[str, Any]:
    """A chunk of a streamed completion."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return {
        "id": "cmpl-1",
        "object": "chat.completion.chunk",
        "created": 1702256327,
        "model": MODEL,
        "choices": [choice],
        **changes,
    }


def conversation() -> dict[str, Any]:
    """A turn of a conversation."""
    said = {"object": "entry", "type": "message.output", "id": "msg_1", "role": "assistant", "content": TEXT}
    times = {"created_at": "2026-05-01T10:00:00Z", "completed_at": "2026-05-01T10:00:01Z", "model": MODEL}
    return {
        "object": "conversation.response",
        "conversation_id": "conv_1",
        "outputs": [{**said, **times}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16},
    }


def conversation_events() -> Reply:
    """A streamed turn."""
    usage = conversation()["usage"]
    events: list[dict[str, Any]] = [
        {"type": "conversation.response.started", "conversation_id": "conv_1"},
        {"type": "message.output.delta", "id": "msg_1", "content": TEXT, "role": "assistant"},
        {"type": "conversation.response.done", "usage": usage},
    ]
    return sse(*events, names=[str(it["type"]) for it in events], done=False)


def error(status: int, text: str) -> Reply:
    """An error of the API."""
    return Reply(status, {"object": "error", "message": text, "type": "invalid_request", "code": "3000"})


_EMBEDDED = {
    "id": "embd-1",
    "object": "list",
    "model": "mistral-embed",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
    "usage": {"prompt_tokens": 8, "total_tokens": 8, "completion_tokens": 0},
}
_MODERATED = {"id": "mod-1", "model": "mistral-moderation-latest", "results": []}


def _answer(asked: Asked) -> Reply:
    path = asked.path.split("?")[0].split("#")[0]
    body = asked.body if isinstance(asked.body, dict) else {}
    if path.endswith("/completions"):
        if body.get("stream"):
            return sse(chunk("Bon"), chunk("jour!"), chunk("", "stop", usage=USAGE))
        return Reply(body=chat())
    if path.startswith("/v1/conversations"):
        return conversation_events() if body.get("stream") else Reply(body=conversation())
    if path == "/v1/responses":
        return openai.response_events() if body.get("stream") else Reply(body=openai.response())
    if path == "/v1/embeddings":
        return Reply(body=_EMBEDDED)
    if path == "/v1/moderations":
        return Reply(body=_MODERATED)
    return error(404, f"no such path: {path}")


class FakeMistral(FakeServer):
    """The API, at `url`."""

    def __init__(self) -> None:
        super().__init__(_answer)
