"""The conditions of conditionally required attributes that a machine can check."""

from __future__ import annotations

import re
from collections.abc import Mapping

from otelml.semconv.attributes import ML_OPERATION_NAME
from otelml.viewer.otlp import AttributeValue

_SET = re.compile(r"If `([^`]+)` is set\.")
_NOT_SET = re.compile(r"If `([^`]+)` is not set\.")
_EQUAL = re.compile(r"If `([^`]+)` is `([^`]+)`\.")
_OPERATION = re.compile(r"If the operation is `([^`]+)`\.")
_FAILED = "If and only if the operation ended in an error."


def holds(condition: str, attributes: Mapping[str, AttributeValue], failed: bool | None) -> bool | None:
    """Whether a condition of the registry holds for a signal with these attributes.

    Args:
        condition: the text in the registry.
        attributes: the signal's attributes.
        failed: whether the operation ended in an error, None where the signal does not tell.

    Returns:
        None where the text leaves it to a reader, such as "If available."
    """
    if condition == _FAILED:
        return failed
    if match := _SET.fullmatch(condition):
        return match[1] in attributes
    if match := _NOT_SET.fullmatch(condition):
        return match[1] not in attributes
    if match := _EQUAL.fullmatch(condition):
        return attributes.get(match[1]) == match[2]
    if match := _OPERATION.fullmatch(condition):
        return attributes.get(ML_OPERATION_NAME) == match[1]
    return None
