"""Cohere's API as it answers: the shapes are those of its reference of 2026-10."""

from __future__ import annotations

import json
from typing import Any

from tests.support.fakes.http import Asked, FakeServer, Reply, sse

TEXT = "Hello! How can I help?"
USAGE = {
    "billed_units": {"input_tokens": 5, "output_tokens": 418},
    "tokens": {"input_tokens": 71, "output_tokens": 418},
    "cached_tokens": 16,
}
META = {"api_version": {"version": "1"}, "billed_units": {"input_tokens": 4}, "tokens": None}
_FUNCTION = {"name": "weather", "arguments": '{"city": "Bern"}'}
CALL: dict[str, Any] = {"id": "weather_1", "type": "function", "function": _FUNCTION}


def chat(**changes: Any) -> dict[str, Any]:
    """A chat."""
    message = {"role": "assistant", "content": [{"type": "text", "text": TEXT}]}
    return {"id": "c14c80c3", "finish_reason": "COMPLETE", "message": message, "usage": USAGE, **changes}


def old_chat() -> dict[str, Any]:
    """A chat of the API's first version."""
    tokens = {"input_tokens": 68, "output_tokens": 9}
    meta = {**META, "tokens": tokens}
    return {"response_id": "r1", "text": TEXT, "generation_id": "g1", "finish_reason": "COMPLETE", "meta": meta}


def events(finish_reason: str = "COMPLETE") -> list[dict[str, Any]]:
    """The events of a streamed chat."""
    function = CALL["function"]
    begun = {**CALL, "function": {**function, "arguments": ""}}
    rest = {"function": {"arguments": function["arguments"]}}
    return [
        {"type": "message-start", "id": "29f14a5a", "delta": {"message": {"role": "assistant"}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Hm."}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": TEXT}}}},
        {"type": "content-end", "index": 0},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": begun}}},
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": rest}}},
        {"type": "message-end", "delta": {"finish_reason": finish_reason, "usage": USAGE}},
    ]


def stream(finish_reason: str = "COMPLETE") -> Reply:
    """A streamed chat."""
    told = events(finish_reason)
    return sse(*told, names=[it["type"] for it in told], done=False)


def _old_stream() -> Reply:
    lines = [
        {"event_type": "stream-start", "generation_id": "g1", "is_finished": False},
        {"event_type": "text-generation", "text": TEXT, "is_finished": False},
        {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": old_chat(), "is_finished": True},
    ]
    return Reply(
        headers={"content-type": "application/stream+json"}, chunks=[json.dumps(it).encode() + b"\n" for it in lines]
    )


def error(status: int, text: str) -> Reply:
    """An error of the API."""
    return Reply(status, {"message": text})


_WHOLE: dict[str, Any] = {
    "/v2/embed": {"id": "e1", "embeddings": {"float": [[0.25, -0.5]]}, "texts": ["hello"], "meta": META},
    "/v2/rerank": {"id": "rr1", "results": [{"index": 0, "relevance_score": 0.9}], "meta": META},
}


def _answer(asked: Asked) -> Reply:
    streams = isinstance(asked.body, dict) and asked.body.get("stream")
    if asked.path == "/v2/chat":
        return stream() if streams else Reply(body=chat())
    if asked.path == "/v1/chat":
        return _old_stream() if streams else Reply(body=old_chat())
    if asked.path in _WHOLE:
        return Reply(body=_WHOLE[asked.path])
    return error(404, f"no such path: {asked.path}")


class FakeCohere(FakeServer):
    """The API, at `url`."""

    def __init__(self) -> None:
        super().__init__(_answer)
