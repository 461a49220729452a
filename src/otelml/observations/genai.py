"""What one call of a GenAI client did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Value = str | bool | int | float
"""A value that fits an attribute of a span."""


class TokenUsage(NamedTuple):
    """The tokens of one call, None where the provider does not tell.

    Attributes:
        input: all tokens of the input; the cached and the written ones are among them.
        output: all tokens of the output; those of reasoning are among them.
        cache_read: input tokens that came from the provider's cache.
        cache_write: input tokens that were written to the provider's cache.
        reasoning: output tokens of the model's reasoning.
        audio_input: input tokens of audio.
        audio_output: output tokens of audio.
        estimated: whether otelml counted them with a local tokenizer, since the provider told nothing.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    estimated: bool = False

    @property
    def known(self) -> bool:
        """Whether there are any tokens to account for."""
        return self.input is not None or self.output is not None


NO_USAGE = TokenUsage()


@dataclass(frozen=True, slots=True)
class GenAICall:
    """One logical call of a GenAI client, handed to every `GenAIObserver` once, when it has ended, sampled or not.

    It holds no prompt and no answer.

    Attributes:
        provider: a value of `gen_ai.provider.name`.
        operation: a value of `gen_ai.operation.name`.
        request_model: the model that was asked for.
        response_model: the model that answered.
        response_id: of the provider.
        finish_reasons: one for each choice, as the provider names them.
        usage: the tokens; `usage.known` is False where they are missing.
        duration: seconds from the request to the end of the answer.
        time_to_first_chunk: seconds, of a stream that brought something.
        chunks: how many pieces a stream brought; 0 where the answer came whole.
        error_type: a value of `error.type`, None where the call succeeded; a stream that the application left is no
            error.
        conversation_id: a value of `gen_ai.conversation.id`, where the call tells it.
        server_address: the host that was asked.
        context: the OpenTelemetry context in which the call began: baggage, and what `otelml` keeps in it.
        span_owner: the scope of the other instrumentation whose span the call has; None where it is ours.
        recording: whether our span is recorded, so that what an observer returns goes on it.
    """

    provider: str
    operation: str
    request_model: str | None
    response_model: str | None
    response_id: str | None
    finish_reasons: tuple[str, ...]
    usage: TokenUsage
    duration: float
    time_to_first_chunk: float | None
    chunks: int
    error_type: str | None
    conversation_id: str | None
    server_address: str | None
    context: Mapping[str, object]
    span_owner: str | None
    recording: bool
