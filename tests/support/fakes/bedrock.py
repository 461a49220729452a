"""Bedrock's runtime as it answers: the shapes are those of its reference of 2026-10, streams are framed as AWS does."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from typing import Any
from urllib.parse import unquote
from zlib import crc32

from tests.support.fakes import anthropic
from tests.support.fakes.http import Asked, FakeServer, Reply

TEXT = "Hello! How can I help?"
USAGE = {
    "inputTokens": 21,
    "outputTokens": 12,
    "totalTokens": 433,
    "cacheReadInputTokens": 300,
    "cacheWriteInputTokens": 100,
}
TOOL_USE: dict[str, Any] = {"toolUse": {"toolUseId": "tooluse_1", "name": "look_up", "input": {"order": "A1"}}}
METRICS = {"inputTokenCount": 7, "outputTokenCount": 9, "invocationLatency": 551, "firstByteLatency": 180}
_STREAM = {"content-type": "application/vnd.amazon.eventstream"}
HEADERS = {"x-amzn-bedrock-input-token-count": "7", "x-amzn-bedrock-output-token-count": "9"}


def conversed(*blocks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An answer of Converse."""
    message = {"role": "assistant", "content": list(blocks) or [{"text": TEXT}]}
    answer = {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 551}}
    return {**answer, **changes}


def pieces(*texts: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a block of text."""
    deltas = [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": it}}) for it in texts]
    return [*deltas, ("contentBlockStop", {"contentBlockIndex": 0})]


def end(reason: str = "end_turn") -> list[tuple[str, dict[str, Any]]]:
    """The last events of a stream."""
    return [("messageStop", {"stopReason": reason}), ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 551}})]


START = ("messageStart", {"role": "assistant"})
EVENTS = [START, *pieces("Hello!", " How can", " I help?"), *end()]


def frame(data: Any, kind: str, of: str = "event") -> bytes:
    """A message of AWS's event streams: a prelude, headers, the payload, and checksums of both parts.

    Args:
        data: the payload, as JSON.
        kind: the type of the event or of the exception.
        of: `event` or `exception`.
    """
    payload = json.dumps(data).encode()
    named = {f":{of}-type": kind, ":content-type": "application/json", ":message-type": of}
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in named.items()
    )
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def events(*found: tuple[str, Any]) -> Reply:
    """A stream of Converse."""
    return Reply(headers=_STREAM, chunks=[frame(data, kind) for kind, data in found])


def failing(*found: tuple[str, Any], kind: str, text: str) -> Reply:
    """A stream that ends with an exception."""
    chunks = [*(frame(data, name) for name, data in found), frame({"message": text}, kind, "exception")]
    return Reply(headers=_STREAM, chunks=chunks)


def chunks(*found: Any) -> Reply:
    """A stream of InvokeModel: pieces of JSON, which travel as base64; the last one has Bedrock's own figures."""
    last = {**found[-1], "amazon-bedrock-invocationMetrics": METRICS}
    payloads = [b64encode(json.dumps(it).encode()).decode() for it in (*found[:-1], last)]
    return Reply(headers=_STREAM, chunks=[frame({"bytes": it, "p": "abcd"}, "chunk") for it in payloads])


def invoked(body: Any) -> Reply:
    """A whole answer of InvokeModel."""
    return Reply(body=body, headers=HEADERS)


def error(status: int, kind: str, text: str = "no") -> Reply:
    """An error of the API."""
    return Reply(status, {"message": text}, {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/"})


TITAN = {"inputTextTokenCount": 5, "results": [{"tokenCount": 6, "outputText": TEXT, "completionReason": "FINISH"}]}
LLAMA = {"generation": TEXT, "prompt_token_count": 5, "generation_token_count": 6, "stop_reason": "stop"}
COHERE = {"id": "c1", "generations": [{"id": "g1", "text": TEXT, "finish_reason": "COMPLETE"}], "prompt": "Hello"}
MISTRAL = {"outputs": [{"text": TEXT, "stop_reason": "stop"}]}
COMPLETION = {
    "id": "chatcmpl-1",
    "model": "openai.gpt-oss-120b",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11},
}
DELTAS = [
    {"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hello!"}}]},
    {"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
]
WHOLE: dict[str, Any] = {
    "anthropic.claude": anthropic.message(),
    "amazon.nova": conversed(),
    "amazon.titan-embed": {"embedding": [0.25, -0.5], "inputTextTokenCount": 3},
    "amazon.titan-text": TITAN,
    "meta.llama": LLAMA,
    "cohere.command": COHERE,
    "mistral.mistral": MISTRAL,
    "openai.gpt-oss": COMPLETION,
    "stability.": {"images": ["aGVsbG8="], "finish_reasons": [None]},
}
STREAMED: dict[str, list[Any]] = {
    "anthropic.claude": [it for it in anthropic.EVENTS if it["type"] != "ping"],
    "amazon.nova": [{kind: data} for kind, data in EVENTS],
    "amazon.titan-text": [
        {"outputText": "Hello!", "index": 0, "completionReason": None, "inputTextTokenCount": 5},
        {"outputText": "", "index": 0, "totalOutputTextTokenCount": 6, "completionReason": "FINISH"},
    ],
    "meta.llama": [
        {"generation": "Hello!", "prompt_token_count": 5, "generation_token_count": 1, "stop_reason": None},
        {"generation": "", "prompt_token_count": None, "generation_token_count": 6, "stop_reason": "stop"},
    ],
    "cohere.command": [{"text": "Hello!", "is_finished": False}, {"is_finished": True, "finish_reason": "COMPLETE"}],
    "mistral.mistral": [{"outputs": [{"text": "Hello!"}]}, {"outputs": [{"text": "", "stop_reason": "stop"}]}],
    "openai.gpt-oss": DELTAS,
}


def _answer(asked: Asked) -> Reply:
    _, _, model, operation = unquote(asked.path).split("/", 3)
    if operation == "converse":
        return Reply(body=conversed())
    if operation == "converse-stream":
        return events(*EVENTS)
    if operation == "count-tokens":
        return Reply(body={"inputTokens": 421})
    family = next((it for it in WHOLE if it in model), "")
    if operation == "invoke" and family:
        return invoked(WHOLE[family])
    if operation == "invoke-with-response-stream" and family in STREAMED:
        return chunks(*STREAMED[family])
    return error(404, "ResourceNotFoundException")


class FakeBedrock(FakeServer):
    """The API, at `url`."""

    def __init__(self) -> None:
        super().__init__(_answer)
