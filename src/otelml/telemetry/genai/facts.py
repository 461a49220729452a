"""What a hook tells of a call, free of any library: the two sides that pure extractors fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from otelml.observations.genai import NO_USAGE, TokenUsage

Message = Mapping[str, Any]
"""`{"role": ..., "parts": [...]}` as OpenTelemetry's GenAI messages are, the values as the library gave them."""

Field = str | bool | int | float | Sequence[str]


class Server(NamedTuple):
    """Whom a client asks.

    Attributes:
        provider: a value of `gen_ai.provider.name`.
        address: the host.
        port: the port, None where it is the scheme's own.
    """

    provider: str
    address: str | None = None
    port: int | None = None


class Content(NamedTuple):
    """What a model was told: read only where the settings want content, and never kept otherwise."""

    messages: Sequence[Message] = ()
    instructions: Sequence[Message] = ()
    tools: object = None


class Request(NamedTuple):
    """One call, before it is made.

    Attributes:
        operation: a value of `gen_ai.operation.name`.
        model: the model that is asked for.
        fields: by the names of `names.REQUEST_FIELDS`.
        conversation_id: a value of `gen_ai.conversation.id`.
        metered: whether the provider is expected to report tokens.
    """

    operation: str
    model: str | None
    fields: Mapping[str, Field]
    conversation_id: str | None = None
    metered: bool = True


class Answer(NamedTuple):
    """What came back of one call.

    Attributes:
        model: the model that answered.
        id: of the response.
        finish_reasons: one for each choice.
        usage: the tokens.
        status: a value of `gen_ai.response.status`.
        conversation_id: where the provider tells it only now.
        content: gives the messages of the answer.
        error: a value of `error.type`, where the provider reports a failure without an exception.
    """

    model: str | None = None
    id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    usage: TokenUsage = NO_USAGE
    status: str | None = None
    conversation_id: str | None = None
    content: Callable[[], Sequence[Message]] | None = None
    error: str | None = None


NO_ANSWER = Answer()


class Collector(Protocol):
    """Adds up the chunks of one stream: counts, ids and usage; text only where content is wanted."""

    def add(self, chunk: Any) -> None:
        """Take one chunk; called for each of them, so it does as little as possible."""
        ...

    def answer(self) -> Answer:
        """What the chunks so far add up to."""
        ...


class Endpoint(NamedTuple):
    """One kind of call of a client, by its pure extractors: all that a provider has to say.

    Attributes:
        request: what is asked, from whatever the client's choke point is given.
        answer: what a whole answer says.
        collector: makes what adds up the chunks of a stream; given whether text is wanted.
        content: what the model is told; called only where content is wanted.
        said: the text that a chunk of a stream adds, None where it adds none; called only where tokens are estimated.
    """

    request: Callable[[Any], Request]
    answer: Callable[[Any], Answer] = lambda _result: NO_ANSWER
    collector: Callable[[bool], Collector] | None = None
    content: Callable[[Any], Content] | None = None
    said: Callable[[Any], str | None] | None = None
