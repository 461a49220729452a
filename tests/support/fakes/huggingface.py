"""A text-generation server of Hugging Face as it answers: OpenAI's chat API, and generation with its details."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.fakes.http import Asked, Reply, sse
from tests.support.fakes.openai import FakeOpenAI

DETAILS = {"finish_reason": "length", "generated_tokens": 3, "prefill": [], "tokens": [], "seed": None}


def _token(text: str, **changes: Any) -> dict[str, Any]:
    return {
        "index": 1,
        "token": {"id": 1, "text": text, "logprob": -0.5, "special": False},
        "generated_text": None,
        "details": None,
        **changes,
    }


def generation(asked: Asked) -> Reply:
    """A generated text, whole or streamed."""
    if asked.body.get("stream"):
        end = {"finish_reason": "length", "generated_tokens": 3, "input_length": 5, "seed": None}
        return sse(_token("It"), _token(" rains", generated_text="It rains", details=end), done=False)
    told: dict[str, Any] = {"generated_text": "It rains"}
    if asked.body["parameters"].get("details"):
        told["details"] = DETAILS
    return Reply(body=[told])


class FakeHuggingFace(FakeOpenAI):
    """The server, at `url`."""

    def answer(self, asked: Asked) -> Reply:
        """The reply to a request."""
        if asked.path == "/" and isinstance(asked.body, dict) and "inputs" in asked.body:
            self.asked.append(asked)
            return Reply(body=[[0.25, -0.5]]) if asked.body.get("normalize") else generation(asked)
        return super().answer(replace(asked, path=asked.path.replace("//", "/")))
