"""What telemetry says about an exception."""

from __future__ import annotations

import traceback

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from otelml.semconv import attributes as names
from otelml.semconv import events

_MAX_STACKTRACE = 16_384
_MAX_MESSAGE = 1_024


def error_type(error: BaseException) -> str:
    """The value of `error.type`: the qualified class name, without the module for built-in exceptions."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def emit_exception(
    logger: Logger, error: BaseException, about: dict[str, AttributeValue], context: Context, *, messages: bool
) -> None:
    """Emit the event of an exception that ended an operation.

    Args:
        logger: where the event goes.
        error: the host's exception.
        about: which operation and model.
        context: the context whose span the event belongs to.
        messages: whether the message and the stack trace are recorded; they may quote input values.
    """
    attributes = {**about, names.EXCEPTION_TYPE: error_type(error)}
    if messages:
        attributes[names.EXCEPTION_MESSAGE] = message_of(error)
        stacktrace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        attributes[names.EXCEPTION_STACKTRACE] = stacktrace[-_MAX_STACKTRACE:]
    event = events.ML_OPERATION_EXCEPTION
    logger.emit(
        LogRecord(
            event_name=event.name,
            severity_number=SeverityNumber(event.severity_number),
            attributes=attributes,
            context=context,
        )
    )


def message_of(error: BaseException) -> str:
    """The message of an exception, of bounded length."""
    # traceback survives an exception whose own text raises.
    line = traceback.format_exception_only(type(error), error)[0]
    return line.partition(": ")[2].rstrip("\n")[:_MAX_MESSAGE]
