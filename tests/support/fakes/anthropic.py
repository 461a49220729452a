"""Anthropic's API as it answers: the shapes are those of its reference of 2026-10."""

from __future__ import annotations

from typing import Any

from tests.support.fakes.http import Asked, FakeServer, Reply, sse

MODEL = "claude-sonnet-5-20260901"
TEXT = "Hello! How can I help?"
PATH = "/v1/messages"
USAGE: dict[str, Any] = {
    "input_tokens": 21,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 12,
    "output_tokens_details": {"thinking_tokens": 5},
    "service_tier": "standard",
}
TOOL_USE: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"order": "A1"}}


def text(said: str = TEXT) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": said, "citations": None}


def message(*blocks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A message."""
    return {
        "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(blocks) or [text()],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **changes,
    }


def start() -> dict[str, Any]:
    """The first event of a stream, with the input's tokens and a placeholder for the output's."""
    usage = {key: value for key, value in USAGE.items() if key != "output_tokens_details"}
    begun = message(usage={**usage, "output_tokens": 1}, stop_reason=None)
    return {"type": "message_start", "message": {**begun, "content": []}}


def block(index: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def said(index: int, *texts: str) -> list[dict[str, Any]]:
    """The events of a block of text."""
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": it} for it in texts))


def end(reason: str = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    """The last events of a stream, with the tokens of the whole message."""
    counts = {"output_tokens": 12, "output_tokens_details": {"thinking_tokens": 5}, **usage}
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": counts}, {"type": "message_stop"}]


EVENTS = [start(), {"type": "ping"}, *said(0, "Hello!", " How can", " I help?"), *end()]


def events(*data: dict[str, Any]) -> Reply:
    """A stream of events, named by their types."""
    return sse(*data, names=[it["type"] for it in data], done=False)


def failure(kind: str, text: str) -> dict[str, Any]:
    """What the API says of an error."""
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}


def error(status: int, kind: str, text: str = "no", **headers: str) -> Reply:
    """An error of the API."""
    return Reply(status, failure(kind, text), {"request-id": "req_1", **headers})


_BATCH = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "in_progress",
    "request_counts": {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
    "created_at": "2026-10-01T00:00:00Z",
    "expires_at": "2026-10-02T00:00:00Z",
}
_WHOLE: dict[str, Any] = {
    "/v1/messages/count_tokens": {"input_tokens": 421},
    "/v1/messages/batches": _BATCH,
    "/v1/messages/batches/msgbatch_1/cancel": _BATCH,
    "/v1/models": {"data": [], "has_more": False, "first_id": None, "last_id": None},
    "/v1/models/claude-sonnet-5": {"id": "claude-sonnet-5", "type": "model", "display_name": "Claude Sonnet 5"},
}


def _answer(asked: Asked) -> Reply:
    path = asked.path.split("?")[0]
    body = asked.body if isinstance(asked.body, dict) else {}
    if path == PATH:
        return events(*EVENTS) if body.get("stream") else Reply(body=message(), headers={"request-id": "req_1"})
    return Reply(body=_WHOLE[path]) if path in _WHOLE else error(404, "not_found_error")


class FakeAnthropic(FakeServer):
    """The API, at `url`."""

    def __init__(self) -> None:
        super().__init__(_answer)
