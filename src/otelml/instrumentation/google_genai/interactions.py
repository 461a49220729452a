"""Pure: the interactions API: what is asked of a model or an agent, what is answered, what streams add up to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import Parts, count, get, items, scalars, text, texts, words
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.semconv.attributes import GenAiResponseStatus as Statuses
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import NO_USAGE, Answer, Content, Endpoint, Message, Request, TokenUsage
from otelml.telemetry.genai.facts import Field

_FIELDS = {
    "max_output_tokens": "max_tokens",
    "seed": "seed",
    "temperature": "temperature",
    "thinking_level": "reasoning_level",
    "top_p": "top_p",
}
_FINISHED = {"completed": "stop", "requires_action": "tool_calls", "incomplete": "length"}
_UNFINISHED = ("in_progress", "queued", "requires_continuation")
_STATUSES = (
    Statuses.QUEUED,
    Statuses.IN_PROGRESS,
    Statuses.COMPLETED,
    Statuses.INCOMPLETE,
    Statuses.FAILED,
    Statuses.CANCELLED,
)


def asked(given: Mapping[str, Any]) -> Any:
    """The body of a request, given as one object, as a mapping, or by its fields."""
    whole = given.get("request")
    return given if whole is None else get(whole, "body") or whole


def request(given: Mapping[str, Any]) -> Request:
    """Of a new interaction."""
    body = asked(given)
    config = get(body, "generation_config")
    fields: dict[str, Field] = scalars({name: get(config, name) for name in _FIELDS}, _FIELDS)
    stop = words(get(config, "stop_sequences"))
    if stop:
        fields["stop_sequences"] = stop
    before = text(get(body, "previous_interaction_id"))
    if before is not None:
        fields["previous_response_id"] = before
    if get(body, "response_mime_type") == "application/json":
        fields["output_type"] = Outputs.JSON
    if get(body, "stream") is True:
        fields["stream"] = True
    model = text(get(body, "model")) or text(get(body, "agent"))
    return Request(Operations.CHAT, model, fields, metered=get(body, "background") is not True)


def usage_of(usage: Any) -> TokenUsage:
    """The tokens: those of tools' results count as input, and thoughts, which Google counts apart, as output."""
    taken, returned, thoughts = (count(get(usage, f"total_{kind}_tokens")) for kind in ("input", "output", "thought"))
    if taken is None and returned is None and thoughts is None:
        return NO_USAGE
    tools = count(get(usage, "total_tool_use_tokens"))
    return TokenUsage(
        None if taken is None else taken + (tools or 0),
        None if returned is None and thoughts is None else (returned or 0) + (thoughts or 0),
        count(get(usage, "total_cached_tokens")),
        None,
        thoughts,
    )


def answer(result: Any) -> Answer:
    """Of an interaction, finished or not."""
    status = text(get(result, "status"))
    failure = next(iter(items(get(result, "errors"))), None) if status == Statuses.FAILED else None
    return Answer(
        text(get(result, "model")),
        text(get(result, "id")),
        () if status is None or status in _UNFINISHED else (_FINISHED.get(status, status),),
        usage_of(get(result, "usage")),
        status if status in _STATUSES else None,
        content=partial(_told, result),
        error=None if failure is None else text(get(failure, "code")) or status,
    )


def fetched(result: Any) -> Answer:
    """Of an interaction that was made before: its tokens were counted then."""
    return answer(result)._replace(usage=NO_USAGE, error=None)


class Collector:
    """Of a stream, whose last event has the whole; one that goes on by itself has several of them."""

    __slots__ = ("_answer", "_said", "_usage")

    def __init__(self, with_text: bool) -> None:
        self._answer = Answer()
        self._usage = NO_USAGE
        self._said: list[str] | None = [] if with_text else None

    def add(self, event: Any) -> None:
        """Take one event."""
        kind = get(event, "event_type")
        if kind == "step.delta":
            if self._said is not None:
                self._said.append(text(get(get(event, "delta"), "text")) or "")
        elif kind in ("interaction.created", "interaction.completed"):
            told = answer(get(event, "interaction"))
            self._answer = told._replace(model=told.model or self._answer.model, content=None)
            self._usage = _sum(self._usage, told.usage)
        elif kind == "error":
            failure = get(event, "error")
            self._answer = self._answer._replace(error=text(get(failure, "code")) or "error")

    def answer(self) -> Answer:
        """What the events so far add up to."""
        told = None if self._said is None else partial(_spoken, self._said, self._answer.finish_reasons)
        return self._answer._replace(usage=self._usage, content=told)


def _sum(one: TokenUsage, other: TokenUsage) -> TokenUsage:
    if not other.known or not one.known:
        return other if other.known else one
    counts = (None if a is None and b is None else (a or 0) + (b or 0) for a, b in zip(one[:5], other[:5], strict=True))
    return TokenUsage._make((*counts, *one[5:]))


def content(given: Mapping[str, Any]) -> Content:
    """What a model or an agent is told."""
    body = asked(given)
    said, system = get(body, "input"), get(body, "system_instruction")
    if isinstance(said, (list, tuple)):
        messages = [it for step in said for it in _step(step, "user")]
    else:
        messages = [] if said is None else [message("user", texts(said) if isinstance(said, str) else [_part(said)])]
    return Content(messages, texts(system) if isinstance(system, str) else [], get(body, "tools"))


def _told(result: Any) -> list[Message]:
    reasons = {Statuses.COMPLETED: "stop"}
    found = [it for step in items(get(result, "steps")) for it in _step(step, "assistant")]
    reason = reasons.get(str(get(result, "status")))
    return [{**found[-1], "finish_reason": reason}] if reason and len(found) == 1 else found


def _spoken(said: list[str], reasons: tuple[str, ...]) -> list[Message]:
    return [message("assistant", texts("".join(said)), next(iter(reasons), None))]


def _step(step: Any, role: str) -> list[Message]:
    kind, said = get(step, "type"), get(step, "content")
    if kind == "user_input":
        return [message("user", _parts(said))]
    if kind == "model_output":
        return [message("assistant", _parts(said))]
    if kind == "thought":
        return [
            message("assistant", [part("reasoning", content=get(it, "text")) for it in items(get(step, "summary"))])
        ]
    if kind == "function_call":
        call = part("tool_call", id=get(step, "id"), name=get(step, "name"), arguments=get(step, "arguments"))
        return [message("assistant", [call])]
    if kind == "function_result":
        result = part("tool_call_response", id=get(step, "call_id"), response=get(step, "result"))
        return [message("tool", [result])]
    return [message(role, _parts(said) if said is not None else [_part(step)])]


def _parts(said: Any) -> Parts:
    return texts(said) if isinstance(said, str) else [_part(it) for it in items(said)]


def _part(given: Any) -> dict[str, object]:
    kind = get(given, "type")
    if kind == "text":
        return part("text", content=get(given, "text"))
    uri = get(given, "uri")
    if uri is not None:
        return part("uri", modality=kind, mime_type=get(given, "mime_type"), uri=uri)
    return part(str(kind), content=given)


def _other(method: str, given: Mapping[str, Any]) -> Request:
    fields: dict[str, Field] = {"method": method}
    if given.get("stream") is True:
        fields["stream"] = True
    return Request(
        Operations.FETCH_RESPONSE if method.endswith("get") else Operations.OTHER, None, fields, metered=False
    )


class FetchedCollector(Collector):
    """Of an interaction that was made before."""

    __slots__ = ()

    def answer(self) -> Answer:
        """What the events so far add up to, but for the tokens."""
        return super().answer()._replace(usage=NO_USAGE)


CREATE = Endpoint(request, answer, Collector, content)
METHODS = {
    "create": CREATE,
    "get": Endpoint(partial(_other, "interactions.get"), fetched, FetchedCollector),
    "cancel": Endpoint(partial(_other, "interactions.cancel"), fetched),
    "delete": Endpoint(partial(_other, "interactions.delete")),
}
"""The methods of the client's interactions."""
