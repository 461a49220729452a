"""The live API: each turn of a model in a session, which is what one call of `receive` gives, is a call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import wrapt

from otelml._guard import guarded
from otelml.instrumentation._genai.calls import Arguments, Keywords, Plan
from otelml.instrumentation._genai.reading import count, get, items, scalars, text, texts, whole
from otelml.instrumentation._genai.servers import server_at
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.content import message
from otelml.telemetry.genai import (
    NO_USAGE,
    Answer,
    Endpoint,
    GenAIOperation,
    GenAITelemetry,
    Message,
    Request,
    StreamState,
    TokenUsage,
)
from otelml.telemetry.genai.facts import Field
from otelml.telemetry.genai.stream import AsyncStream

_FIELDS = {"max_output_tokens": "max_tokens", "seed": "seed", "temperature": "temperature", "top_p": "top_p"}
_OUTPUTS = {"AUDIO": Outputs.SPEECH, "TEXT": Outputs.TEXT}
_CLOSED_AS_AGREED = (1000, 1001)
"""The codes with which either side of a web socket says that it is done (RFC 6455, 7.4.1)."""


class Asked(NamedTuple):
    """What a session was opened with."""

    model: Any
    config: Any


_sessions: WeakKeyDictionary[Any, Asked] = WeakKeyDictionary()


class Connecting(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """What `connect` returns: a context manager, whose session is noted with its model."""

    def __init__(self, manager: Any, asked: Asked) -> None:
        super().__init__(manager)
        self._self_asked = asked

    async def __aenter__(self) -> Any:
        session = await self.__wrapped__.__aenter__()
        _note(session, self._self_asked)
        return session

    async def __aexit__(self, *exception: Any) -> Any:
        return await self.__wrapped__.__aexit__(*exception)


@guarded
def _note(session: Any, asked: Asked) -> None:
    _sessions[session] = asked


def connect(function: Any, args: Arguments, kwargs: Keywords) -> Any:
    """The host's `connect(live, *, model, config)`."""
    manager = function(*args, **kwargs)
    return _connecting(manager, kwargs) or manager


@guarded
def _connecting(manager: Any, kwargs: Keywords) -> Connecting:
    return Connecting(manager, Asked(kwargs.get("model"), kwargs.get("config")))


class Turn(StreamState):
    """The stream of a turn. A session that was closed as agreed while the application waited for one has not failed."""

    __slots__ = ()

    @guarded
    def fail(self, error: BaseException) -> None:
        """Reading has raised."""
        if not self.clock.chunks and getattr(error, "code", None) in _CLOSED_AS_AGREED:
            self.leave()
        else:
            super().fail(error)


class Collector:
    """Of the messages of a turn, the last count of tokens among which is that of all."""

    __slots__ = ("_reason", "_said", "_usage")

    def __init__(self, with_text: bool) -> None:
        self._reason: str | None = None
        self._usage: Any = None
        self._said: list[str] | None = [] if with_text else None

    def add(self, chunk: Any) -> None:
        """Take one message."""
        if chunk.usage_metadata is not None:
            self._usage = chunk.usage_metadata
        if chunk.tool_call is not None:
            self._reason = "tool_calls"
        said = chunk.server_content
        if said is None:
            return
        if said.interrupted:
            self._reason = "interrupted"
        elif said.turn_complete and self._reason is None:
            self._reason = "stop"
        if self._said is not None:
            pieces = [get(it, "text") for it in items(get(said.model_turn, "parts"))]
            self._said.extend(it for it in (*pieces, get(said.output_transcription, "text")) if isinstance(it, str))

    def answer(self) -> Answer:
        """What the messages so far add up to."""
        told = None if self._said is None else partial(_told, self._said, self._reason)
        return Answer(
            finish_reasons=() if self._reason is None else (self._reason,), usage=_usage_of(self._usage), content=told
        )


def _usage_of(usage: Any) -> TokenUsage:
    taken, returned, thoughts = (
        count(get(usage, f"{kind}_token_count")) for kind in ("prompt", "response", "thoughts")
    )
    if taken is None and returned is None and thoughts is None:
        return NO_USAGE
    tools = count(get(usage, "tool_use_prompt_token_count"))
    return TokenUsage(
        None if taken is None else taken + (tools or 0),
        None if returned is None and thoughts is None else (returned or 0) + (thoughts or 0),
        count(get(usage, "cached_content_token_count")),
        None,
        thoughts,
        _audio(get(usage, "prompt_tokens_details")),
        _audio(get(usage, "response_tokens_details")),
    )


def _audio(details: object) -> int | None:
    found = (count(get(it, "token_count")) for it in items(details) if get(get(it, "modality"), "value") == "AUDIO")
    return next(found, None)


def _told(said: list[str], reason: str | None) -> list[Message]:
    return [message("assistant", texts("".join(said)), reason)]


def _request(asked: Asked) -> Request:
    config: Mapping[str, Any] = {name: get(asked.config, name) for name in (*_FIELDS, "top_k", "response_modalities")}
    fields: dict[str, Field] = {**scalars(config, _FIELDS), "stream": True}
    top_k = whole(config["top_k"])
    if top_k is not None:
        fields["top_k"] = top_k
    modality = next(iter(items(config["response_modalities"])), None)
    output = _OUTPUTS.get(str(getattr(modality, "value", modality)))
    if output is not None:
        fields["output_type"] = output
    model = text(asked.model)
    return Request(Operations.GENERATE_CONTENT, model and model.rpartition("/")[2], fields)


_TURN = Endpoint(_request, collector=Collector)


def _receive(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    assert plan.endpoint.collector is not None
    return AsyncStream(result, Turn(operation, plan.endpoint.collector(operation.telemetry.content.wanted)))


def plan(telemetry: GenAITelemetry, args: Arguments, _kwargs: Keywords) -> Plan | None:
    """What a call of `receive(session)` is."""
    session = args[0]
    client = session._api_client
    default = Names.GCP_VERTEX_AI if client.vertexai else Names.GCP_GEMINI
    server = server_at(client._http_options.base_url, default, telemetry.settings.genai_providers)
    return Plan(_TURN, server, _sessions.get(session, Asked(None, None)), True, receive=_receive)
