"""Content on its way out: to the span, the event and the completion hook, as the policy says."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import make_dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml.semconv import attributes as names
from otelml.semconv import events
from otelml.telemetry.genai.facts import Answer, Content
from otelml.telemetry.genai.names import INFERENCE_CONTEXT

if TYPE_CHECKING:
    from otelml.telemetry.genai.handler import GenAITelemetry
    from otelml.telemetry.genai.operation import GenAIOperation

_EMPTY = Content()


def tell(
    telemetry: GenAITelemetry, operation: GenAIOperation, answer: Answer, attributes: dict[str, AttributeValue]
) -> None:
    """Put the content of one call where the policy wants it.

    Args:
        telemetry: of the call.
        operation: the call.
        answer: what came back.
        attributes: of its span, which content is added to.
    """
    policy = telemetry.content
    asked, told = operation.content or _EMPTY, _told(answer) if policy.wanted else ()
    if policy.on_span and operation.span.is_recording():
        attributes.update({key: policy.text(value) for key, value in _attributes(asked, told)})
    record = None
    if policy.emits_event and operation.target.context_key == INFERENCE_CONTEXT:
        record = _event(telemetry, operation, attributes, asked, told)
    if telemetry.hook is not None and (asked is not _EMPTY or told):
        _hand_over(telemetry, operation, asked, told, record)
    if record is not None:
        telemetry.logger.emit(record)  # now that the hook has put its references on it


def _told(answer: Answer) -> Sequence[Any]:
    return (read(answer.content) if answer.content is not None else None) or ()


@guarded
def read(extract: Any, *given: Any) -> Any:
    """What a hook reads of content; None where it cannot."""
    return extract(*given)


def _attributes(asked: Content, told: Sequence[Any]) -> list[tuple[str, object]]:
    found = (
        (names.GEN_AI_INPUT_MESSAGES, asked.messages),
        (names.GEN_AI_SYSTEM_INSTRUCTIONS, asked.instructions),
        (names.GEN_AI_TOOL_DEFINITIONS, asked.tools),
        (names.GEN_AI_OUTPUT_MESSAGES, told),
    )
    return [(key, value) for key, value in found if value]


_CONTENT = frozenset(
    {
        names.GEN_AI_INPUT_MESSAGES,
        names.GEN_AI_SYSTEM_INSTRUCTIONS,
        names.GEN_AI_TOOL_DEFINITIONS,
        names.GEN_AI_OUTPUT_MESSAGES,
    }
)
_OURS = names.ML_GEN_AI_USAGE_STATUS.partition(".")[0] + "."
"""What the event, which is upstream's, does not know."""


def _event(
    telemetry: GenAITelemetry,
    operation: GenAIOperation,
    attributes: dict[str, AttributeValue],
    asked: Content,
    told: Sequence[Any],
) -> LogRecord:
    about: dict[str, Any] = {**telemetry.span_attributes(operation), **attributes}
    about = {key: value for key, value in about.items() if key not in _CONTENT and not key.startswith(_OURS)}
    if telemetry.content.on_event:
        about.update({key: telemetry.content.plain(value) for key, value in _attributes(asked, told)})
    event = events.GEN_AI_CLIENT_INFERENCE_OPERATION_DETAILS
    return LogRecord(
        event_name=event.name,
        severity_number=SeverityNumber(event.severity_number),
        attributes=about,
        context=operation.context,
    )


@guarded
def _hand_over(
    telemetry: GenAITelemetry,
    operation: GenAIOperation,
    asked: Content,
    told: Sequence[Any],
    record: LogRecord | None,
) -> None:
    whole = telemetry.content.plain
    assert telemetry.hook is not None
    telemetry.hook.on_completion(
        inputs=_objects(whole(asked.messages, whole=True)),
        outputs=_objects(whole(told, whole=True)),
        system_instruction=_objects(whole(asked.instructions, whole=True)),
        tool_definitions=_objects(whole(asked.tools, whole=True)) or None,
        span=operation.span,
        log_record=record,
    )


def _objects(plain: Any) -> list[Any]:
    return [_object(it) for it in plain] if isinstance(plain, list) else []


def _object(plain: Any) -> Any:
    # The hooks take dataclasses: the built-in upload calls `asdict`.
    fields = {str(key): value for key, value in plain.items()} if isinstance(plain, dict) else {"content": plain}
    usable = {key: value for key, value in fields.items() if key.isidentifier() and not iskeyword(key)}
    return _class_of(tuple(usable))(**usable)


@functools.lru_cache(maxsize=64)
def _class_of(fields: tuple[str, ...]) -> Any:
    return make_dataclass("Content", fields)
