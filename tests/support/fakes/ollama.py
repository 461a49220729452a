"""Ollama's API as it answers: the shapes are those of its reference of 2026-10 (NDJSON streams)."""

from __future__ import annotations

import json
from typing import Any

from tests.support.fakes.http import Asked, FakeServer, Reply

MODEL = "llama3.2"
TEXT = "Hello! How can I help?"
COUNTS = {
    "total_duration": 4883583458,
    "load_duration": 1334875,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 342546000,
    "eval_count": 282,
    "eval_duration": 4535599000,
}


def chunk(said: dict[str, Any], *, done: bool = False, **changes: Any) -> dict[str, Any]:
    """A chunk, or with `done` the last one or a whole answer."""
    last = {"done_reason": "stop", **COUNTS} if done else {}
    return {"model": MODEL, "created_at": "2026-08-04T19:22:45.499127Z", **said, "done": done, **last, **changes}


def message(content: str, **changes: Any) -> dict[str, Any]:
    """What a chat says."""
    return {"message": {"role": "assistant", "content": content, **changes}}


def ndjson(*lines: Any) -> Reply:
    """A stream of JSON lines; strings go out as they are."""
    pieces = [(it if isinstance(it, str) else json.dumps(it)).encode() + b"\n" for it in lines]
    return Reply(headers={"content-type": "application/x-ndjson"}, chunks=pieces)


def error(status: int, text: str) -> Reply:
    """An error of the API."""
    return Reply(status, {"error": text})


_WHOLE: dict[str, Any] = {
    "/api/embed": {"model": "all-minilm", "embeddings": [[0.25, -0.5]], "total_duration": 1, "prompt_eval_count": 8},
    "/api/embeddings": {"embedding": [0.25, -0.5]},
    "/api/tags": {"models": []},
    "/api/show": {"modelfile": "", "model_info": {}, "capabilities": ["completion"]},
    "/v1/systemone": {
        "model": MODEL,
        "answers": {"q": {"type": "noul", "noul": 0.5}},
        "usage": {"input_tokens": 31, "output_tokens": 1},
    },
}


def _answer(asked: Asked) -> Reply:
    streams = isinstance(asked.body, dict) and asked.body.get("stream")
    if asked.path == "/api/chat":
        if not streams:
            return Reply(body=chunk(message(TEXT), done=True))
        parts = [chunk(message(it)) for it in ("Hello!", " How can", " I help?")]
        return ndjson(*parts, chunk(message(""), done=True))
    if asked.path == "/api/generate":
        if not streams:
            return Reply(body=chunk({"response": TEXT}, done=True))
        return ndjson(chunk({"response": TEXT}), chunk({"response": ""}, done=True))
    if asked.path == "/api/pull":
        return ndjson({"status": "pulling manifest"}, {"status": "success"})
    if asked.path in _WHOLE:
        return Reply(body=_WHOLE[asked.path])
    return error(404, "not found")


class FakeOllama(FakeServer):
    """The server, at `url`."""

    def __init__(self) -> None:
        super().__init__(_answer)
