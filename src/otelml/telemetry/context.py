"""Attributes that the application gives to everything emitted in a context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    create_key,
    detach,
    get_value,
    set_value,
)
from opentelemetry.trace import NonRecordingSpan, TraceFlags
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import AttributeValue

_KEY = create_key("otelml-attributes")


@contextmanager
def attributes(values: Mapping[str, AttributeValue]) -> Iterator[None]:
    """Give attributes to the spans and events of all model calls made inside the block.

    They are inherited by nested blocks and travel with the OpenTelemetry context. Keys that the setting
    `metric_attributes` allows go on metrics, too.

    Args:
        values: attribute name -> str, bool, int, float or a sequence of one of these.

    Raises:
        TypeError: a name that is not a string, or a value of another type.

    Example:
        >>> with attributes({"ml.inference.mode": "batch", "ml.prediction.id": "order-17"}):
        ...     pass  # model.predict(X)
    """
    checked = {_checked_name(name): _checked_value(name, value) for name, value in values.items()}
    inherited = cast("Mapping[str, AttributeValue] | None", get_value(_KEY)) or {}
    token = attach(set_value(_KEY, {**inherited, **checked}))
    try:
        yield
    finally:
        detach(token)


def attributes_in(context: Context) -> Mapping[str, AttributeValue] | None:
    """The attributes given in a context, None where there are none."""
    return cast("Mapping[str, AttributeValue] | None", context.get(_KEY))


def unremarkable(context: Context) -> bool:
    """Whether calls in this context need no span and no attributes: below a span that was sampled out.

    That is the common case of a service with sampling, so it is quick: a context of one entry holds nothing but the
    span.
    """
    span = context.get(_SPAN_KEY)
    return (
        type(span) is NonRecordingSpan
        and not span.get_span_context().trace_flags & TraceFlags.SAMPLED
        and (
            len(context) == 1 or not (context.get(_SUPPRESS_INSTRUMENTATION_KEY) or attributes_in(context) is not None)
        )
    )


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise TypeError(f"An attribute name must be a non-empty string, not {name!r}.")
    return name


def _checked_value(name: str, value: object) -> AttributeValue:
    scalars = (str, bool, int, float)
    items = value if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(item, scalars) for item in items) or len({type(item) for item in items}) > 1:
        raise TypeError(
            f"The attribute {name!r} is {value!r}: give a str, bool, int or float, or a sequence of one of these types."
        )
    return cast("AttributeValue", value)
