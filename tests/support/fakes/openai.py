"""OpenAI's API as it answers: the shapes are those of its reference of 2026-10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.fakes.http import Asked, FakeServer, Reply, sse

MODEL = "gpt-5-mini-2026-08-07"
USAGE = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
}
RESPONSE_USAGE = {
    "input_tokens": 36,
    "input_tokens_details": {"cached_tokens": 12, "cache_write_tokens": 0},
    "output_tokens": 87,
    "output_tokens_details": {"reasoning_tokens": 64},
    "total_tokens": 123,
}
TEXT = "Hello! How can I help?"


def chat(**changes: Any) -> dict[str, Any]:
    """A chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
        **changes,
    }


def chunk(delta: Mapping[str, Any] | None, finish_reason: str | None = None, **changes: Any) -> dict[str, Any]:
    """A chunk of a streamed chat completion; without a delta it has no choices."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-123",
        "object": "chat.completion.chunk",
        "created": 1694268190,
        "model": MODEL,
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [] if delta is None else [choice],
        **changes,
    }


def chunks(texts: list[str], *, with_usage: bool = False) -> list[dict[str, Any]]:
    """The chunks of a streamed chat completion, with a final one for the usage where it is asked for."""
    found = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]
    found.append(chunk({}, "stop"))
    if with_usage:
        found.append(chunk(None, usage=USAGE))
    return found


def response(status: str = "completed", **changes: Any) -> dict[str, Any]:
    """A response."""
    text = {"type": "output_text", "text": TEXT, "annotations": []}
    message = {"type": "message", "id": "msg_67", "status": "completed", "role": "assistant", "content": [text]}
    done = status == "completed"
    return {
        "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "object": "response",
        "created_at": 1741476542,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": MODEL,
        "output": [message] if done else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSE_USAGE if done else None,
        **changes,
    }


def response_events() -> Reply:
    """A streamed response."""
    item = {"item_id": "msg_67", "output_index": 0, "content_index": 0, "logprobs": []}
    begun = {"type": "message", "id": "msg_67", "status": "in_progress", "role": "assistant", "content": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", "part": {"type": "output_text", "text": "", "annotations": []}, **item},
        {"type": "response.output_text.delta", "delta": "Hello!", **item},
        {"type": "response.output_text.delta", "delta": " How can I help?", **item},
        {"type": "response.completed", "response": response()},
    ]
    for number, event in enumerate(events):
        event["sequence_number"] = number
    return sse(*events, names=[str(event["type"]) for event in events], done=False)


def error(status: int, message: str, **headers: str) -> Reply:
    """An error of the API."""
    kinds = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
    code = kinds.get(status, "server_error")
    body = {"error": {"message": message, "type": "requests", "param": None, "code": code}}
    return Reply(status, body, {"x-request-id": "req_1", **{key.replace("_", "-"): it for key, it in headers.items()}})


_WHOLE: dict[str, Any] = {
    "/v1/completions": {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1589478378,
        "model": "gpt-3.5-turbo-instruct",
        "choices": [{"text": "\n\nThis is a test", "index": 0, "logprobs": None, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    },
    "/v1/embeddings": {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    },
    "/v1/moderations": {"id": "modr-1", "model": "omni-moderation-latest", "results": []},
    "/v1/images/generations": {
        "created": 1713833628,
        "data": [{"b64_json": "aGVsbG8="}],
        "usage": {"input_tokens": 50, "output_tokens": 1056, "total_tokens": 1106, "input_tokens_details": {}},
    },
    "/v1/audio/transcriptions": {"text": "Hello.", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 3}},
    "/v1/audio/translations": {"text": "Hello."},
    "/v1/batches": {"id": "batch_abc", "object": "batch", "endpoint": "/v1/chat/completions", "status": "validating"},
    "/v1/files": {"id": "file-abc123", "object": "file", "bytes": 3, "filename": "a.jsonl", "purpose": "batch"},
    "/v1/fine_tuning/jobs": {"id": "ftjob-1", "object": "fine_tuning.job", "model": "gpt-4o-mini", "status": "queued"},
    "/v1/models/gpt-5-mini": {"id": "gpt-5-mini", "object": "model", "created": 1, "owned_by": "system"},
}


def _answer(asked: Asked) -> Reply:
    path = asked.path.split("?")[0]
    body = asked.body if isinstance(asked.body, dict) else {}
    if path.endswith("/chat/completions"):
        if not body.get("stream"):
            return Reply(body=chat())
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return sse(*chunks(["Hello!", " How can", " I help?"], with_usage=with_usage))
    if path == "/v1/responses":
        return response_events() if body.get("stream") else Reply(body=response())
    if path.startswith("/v1/responses/"):
        return Reply(body=response())
    if path == "/v1/audio/speech":
        return Reply(body=b"ID3 sound", headers={"content-type": "audio/mpeg"})
    if path in _WHOLE:
        return Reply(body=_WHOLE[path])
    return error(404, f"Invalid URL ({asked.method} {path})")


class FakeOpenAI(FakeServer):
    """The API, at `base_url`."""

    def __init__(self) -> None:
        super().__init__(_answer)

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"{self.url}/v1"
