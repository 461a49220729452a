"""Which conversation a call of a GenAI model belongs to: said by the application, carried as W3C baggage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast
from uuid import uuid4

from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml.observations import joined
from otelml.semconv.attributes import (
    GEN_AI_CONVERSATION_ID,
    ML_GEN_AI_CONVERSATION_PERSONA,
    ML_GEN_AI_QUERY_TYPE,
)
from otelml.telemetry import context as given_attributes

MAX_LENGTH = 256
"""The longest value that is taken from the application or from baggage."""

_CARRIED = (GEN_AI_CONVERSATION_ID, ML_GEN_AI_CONVERSATION_PERSONA, ML_GEN_AI_QUERY_TYPE)
_NOTHING: Mapping[str, str] = {}


@contextmanager
def conversation(
    conversation_id: str | None = None,
    *,
    persona: str | None = None,
    query_type: str | None = None,
    ends: bool | None = None,
) -> Iterator[str]:
    """Say which conversation the GenAI calls inside the block belong to; works as a decorator, too.

    The id goes on their spans as `gen_ai.conversation.id`, persona and type of query beside it, whichever
    instrumentation makes the spans. Turns, tokens and cost of the conversation are added up and reported when it ends:
    with the block, or after `conversation_timeout` seconds without a call.

    What is said travels with the OpenTelemetry context and, as W3C baggage, to the services that are called: also to
    those of others, if the HTTP client is instrumented. Each process reports what it has seen of a conversation.

    Args:
        conversation_id: at most 256 characters. What is left out is inherited from the enclosing block, or from the
            baggage of the request that is being served; where there is none, a new id is made.
        persona: the kind of user, such as "new_customer"; at most 256 characters. On metrics if the setting
            `metric_attributes` has `ml.gen_ai.conversation.persona`.
        query_type: the kind of question, such as "refund"; likewise with `ml.gen_ai.query.type`.
        ends: whether the conversation ends with the block. By default it does where the block has made its id, and does
            not where the id was given: the next request will come with the same.

    Yields:
        The id.

    Raises:
        TypeError: a value that is not a string.
        ValueError: an empty or overlong value.

    Example:
        >>> with conversation("session-17", persona="new_customer", query_type="refund") as id:
        ...     id  # client.chat.completions.create(...)
        'session-17'
    """
    given = {
        GEN_AI_CONVERSATION_ID: _checked("conversation_id", conversation_id),
        ML_GEN_AI_CONVERSATION_PERSONA: _checked("persona", persona),
        ML_GEN_AI_QUERY_TYPE: _checked("query_type", query_type),
    }
    inherited = attributes_in(get_current()).get(GEN_AI_CONVERSATION_ID)
    id_ = conversation_id or inherited or uuid4().hex
    context = get_current()
    for name, value in {**given, GEN_AI_CONVERSATION_ID: id_}.items():
        if value is not None:
            context = baggage.set_baggage(name, value, context)
    token = attach(context)
    try:
        yield id_
    finally:
        detach(token)
        if ends or (ends is None and conversation_id is None and inherited is None):
            _complete(id_)


@guarded
def _complete(conversation_id: str) -> None:
    keeper = joined.conversations()
    if keeper is not None:
        keeper.complete(conversation_id)


def attributes_in(context: Mapping[str, object], allowed: Iterable[str] = ()) -> Mapping[str, str]:
    """What the baggage of a context says about GenAI calls: attribute name -> value.

    Args:
        context: an OpenTelemetry context.
        allowed: further keys of baggage to take.
    """
    entries = baggage.get_all(cast(Context, context))
    if not entries:
        return _NOTHING
    found = {name: entries[name] for name in (*_CARRIED, *allowed) if name in entries}
    # From another process may come anything.
    return {name: str(value)[:MAX_LENGTH] for name, value in found.items() if value}


def given_in(context: Mapping[str, object], allowed: Iterable[str] = ()) -> Mapping[str, AttributeValue]:
    """All that the application says about GenAI calls in a context: its baggage, and what `otelml.attributes` gives."""
    said = attributes_in(context, allowed)
    given = given_attributes.attributes_in(cast(Context, context))
    return {**said, **given} if given else said


def _checked(argument: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a string, not {type(value).__name__}.")
    if not 0 < len(value) <= MAX_LENGTH:
        raise ValueError(f"{argument} has {len(value)} characters: give 1 to {MAX_LENGTH}.")
    return value
