"""The Gemini API and Vertex AI as they answer: the shapes are those of their references of 2026-10."""

from __future__ import annotations

from typing import Any

from tests.support.fakes.http import Asked, FakeServer, Reply, sse

MODEL = "gemini-3-flash-001"
TEXT = "Hello! How can I help?"
USAGE: dict[str, Any] = {
    "promptTokenCount": 421,
    "cachedContentTokenCount": 300,
    "toolUsePromptTokenCount": 9,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 442,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 400}, {"modality": "AUDIO", "tokenCount": 21}],
}
CALL: dict[str, Any] = {"functionCall": {"id": "call_1", "name": "look_up", "args": {"order": "A1"}}}


def candidate(*parts: dict[str, Any], reason: str | None = "STOP", index: int = 0) -> dict[str, Any]:
    """A candidate, or without a reason a piece of one."""
    ended = {} if reason is None else {"finishReason": reason}
    return {"content": {"parts": list(parts) or [{"text": TEXT}], "role": "model"}, "index": index, **ended}


def generated(*candidates: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An answer, or a piece of one."""
    return {
        "candidates": list(candidates) or [candidate()],
        "usageMetadata": USAGE,
        "modelVersion": MODEL,
        "responseId": "mAitaLmkHPPlz7IPvtfUqQ4",
        **changes,
    }


def piece(text: str, reason: str | None = None) -> dict[str, Any]:
    """A piece of a streamed answer; those before the last have the tokens so far."""
    usage = USAGE if reason else {"promptTokenCount": 421, "totalTokenCount": 421}
    return generated(candidate({"text": text}, reason=reason), usageMetadata=usage)


PIECES = [piece("Hello!"), piece(" How can"), piece(" I help?", "STOP")]


def failure(code: int, status: str, text: str) -> dict[str, Any]:
    """What the API says of an error."""
    return {"error": {"code": code, "message": text, "status": status}}


def error(code: int, status: str, text: str = "no") -> Reply:
    """An error of the API."""
    return Reply(code, failure(code, status, text))


_STATISTICS = {"truncated": False, "token_count": 3.0}
_BY_VERB: dict[str, Any] = {
    "generateContent": generated(),
    "batchEmbedContents": {"embeddings": [{"values": [0.25, -0.5]}]},
    "embedContent": {"embedding": {"values": [0.25, -0.5]}},
    "predict": {"predictions": [{"embeddings": {"values": [0.25], "statistics": _STATISTICS}}]},
    "countTokens": {"totalTokens": 421},
}


INTERACTION: dict[str, Any] = {
    "id": "v1_abc",
    "model": "gemini-3-flash",
    "object": "interaction",
    "status": "completed",
    "steps": [{"type": "model_output", "content": [{"type": "text", "text": TEXT}]}],
    "usage": {
        "total_input_tokens": 11,
        "total_cached_tokens": 4,
        "total_output_tokens": 7,
        "total_thought_tokens": 5,
        "total_tool_use_tokens": 2,
        "total_tokens": 25,
    },
}
_BEGUN = {"id": "v1_abc", "model": "gemini-3-flash", "object": "interaction", "status": "in_progress"}
EVENTS: list[dict[str, Any]] = [
    {"event_type": "interaction.created", "interaction": _BEGUN},
    {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
    *(
        {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}}
        for text in ("Hello!", " How can", " I help?")
    ),
    {"event_type": "step.stop", "index": 0},
    {"event_type": "interaction.completed", "interaction": {**INTERACTION, "steps": None}},
]
"""What the interactions API answers, whole and streamed."""


def _answer(asked: Asked) -> Reply:
    path = asked.path.split("?")[0]
    if path.endswith("/interactions"):
        streams = asked.body.get("stream")
        return sse(*EVENTS, names=[it["event_type"] for it in EVENTS]) if streams else Reply(body=INTERACTION)
    if "/interactions/" in path:
        return Reply(body={} if asked.method == "DELETE" else INTERACTION)
    verb = path.rpartition(":")[2]
    if verb == "streamGenerateContent":
        return sse(*PIECES, done=False)
    if verb in _BY_VERB:
        return Reply(body=_BY_VERB[verb])
    if path.endswith("/files/abc"):
        return Reply(body={"name": "files/abc", "mimeType": "text/plain", "state": "ACTIVE"})
    if path.endswith("/models"):
        return Reply(body={"models": []})
    return error(404, "NOT_FOUND")


class FakeGoogle(FakeServer):
    """The API, at `url`."""

    def __init__(self) -> None:
        super().__init__(_answer)
