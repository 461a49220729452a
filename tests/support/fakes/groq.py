"""Groq's API as it answers: OpenAI's, with the tokens of a stream in its last chunk, asked for or not."""

from __future__ import annotations

from dataclasses import replace

from tests.support.fakes.http import Asked, Reply, sse
from tests.support.fakes.openai import FakeOpenAI, chunk

CHAT = "/v1/chat/completions"
USAGE = {
    "queue_time": 0.037,
    "prompt_tokens": 18,
    "prompt_time": 0.001,
    "completion_tokens": 556,
    "completion_time": 0.46,
    "total_tokens": 574,
    "total_time": 0.46,
    "prompt_tokens_details": {"cached_tokens": 4},
}


def stream() -> Reply:
    """A streamed chat completion."""
    return sse(
        chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_01"}),
        chunk({"content": "Hello!"}),
        chunk({}, "stop", x_groq={"id": "req_01", "usage": USAGE}),
    )


class FakeGroq(FakeOpenAI):
    """The API, at `url`; its script goes by the paths of OpenAI's."""

    def answer(self, asked: Asked) -> Reply:
        """The reply to a request."""
        inner = replace(asked, path=asked.path.removeprefix("/openai"))
        if inner.path == CHAT and asked.body.get("stream") and not self._script[CHAT]:
            self.asked.append(inner)
            return stream()
        return super().answer(inner)
