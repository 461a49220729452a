"""Holds the attributes of one signal against its declaration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from otelml.viewer.livecheck import conditions
from otelml.viewer.livecheck import findings as rules
from otelml.viewer.livecheck.findings import Report
from otelml.viewer.livecheck.registry import Attribute, Registry, Signal, find_attribute
from otelml.viewer.livecheck.types import ENUM, is_of_type, type_name
from otelml.viewer.otlp import Attributes, AttributeValue

# What Weaver's default policy asks of names.
_NAME = re.compile(r"[a-z][a-z0-9]*([._][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class AttributeCheck:
    """The rules about attributes.

    Attributes:
        registry: what is declared.
        is_allowed: whether the caller vouches for an attribute that is not declared.
    """

    registry: Registry
    is_allowed: Callable[[str], bool]

    def check(self, declared: Signal, attributes: Attributes, report: Report, *, failed: bool | None = None) -> None:
        """Check the attributes of a signal of ours: all that are there, and all that should be."""
        for name, value in attributes.items():
            declaration = find_attribute(declared.attributes, name)
            if declaration is not None:
                _check_value(declaration, name, value, report)
                if declared.kind == "metric" and declaration.requirement == "opt_in" and not self.is_allowed(name):
                    report.add(
                        rules.OPT_IN_PRESENT,
                        f"The opt-in attribute {name!r} is on the metric.",
                        attribute=name,
                        value=value,
                    )
            elif not self.is_allowed(name):
                self._report_undeclared(name, value, report)
        for declaration in declared.attributes.values():
            if not any(declaration.covers(name) for name in attributes):
                _report_absent(declaration, attributes, failed, report)

    def check_known(self, attributes: Attributes, report: Report) -> None:
        """Check only the values of those attributes that the registry has, on whatever signal they are."""
        for name, value in attributes.items():
            declaration = find_attribute(self.registry.attributes, name)
            if declaration is not None:
                _check_value(declaration, name, value, report)

    def _report_undeclared(self, name: str, value: AttributeValue, report: Report) -> None:
        if find_attribute(self.registry.attributes, name) is not None:
            report.add(
                rules.UNEXPECTED_ATTRIBUTE,
                f"Attribute {name!r} is not declared for this {report.kind}.",
                attribute=name,
                value=value,
            )
            return
        report.add(rules.MISSING_ATTRIBUTE, f"Attribute {name!r} is not in the registry.", attribute=name, value=value)
        if not _NAME.fullmatch(name):
            report.add(rules.INVALID_FORMAT, f"Attribute {name!r} breaks the naming rules.", attribute=name)
        if "." not in name:
            report.add(rules.MISSING_NAMESPACE, f"Attribute {name!r} has no namespace.", attribute=name)
        for end in (match.start() for match in re.finditer(r"\.", name)):
            if name[:end] in self.registry.attributes:
                report.add(
                    rules.ILLEGAL_NAMESPACE,
                    f"The namespace of {name!r} is the attribute {name[:end]!r}.",
                    attribute=name,
                )


def is_well_formed(name: str) -> bool:
    """Whether a name follows the naming rules of the semantic conventions."""
    return _NAME.fullmatch(name) is not None


def _check_value(declaration: Attribute, name: str, value: AttributeValue, report: Report) -> None:
    if not is_of_type(value, declaration.type):
        report.add(
            rules.TYPE_MISMATCH,
            f"Attribute {name!r} is of type {type_name(value)}, not {declaration.type}.",
            attribute=name,
            value=value,
        )
    elif declaration.type == ENUM and value not in declaration.members:
        report.add(
            rules.UNDEFINED_ENUM_VARIANT,
            f"Attribute {name!r} has the undeclared value {value!r}.",
            attribute=name,
            value=value,
        )


def _report_absent(
    declaration: Attribute, attributes: Mapping[str, AttributeValue], failed: bool | None, report: Report
) -> None:
    key = declaration.key
    if declaration.requirement == "required":
        report.add(rules.REQUIRED_NOT_PRESENT, f"The required attribute {key!r} is absent.", attribute=key)
    elif declaration.requirement == "recommended":
        report.add(rules.RECOMMENDED_NOT_PRESENT, f"The recommended attribute {key!r} is absent.", attribute=key)
    elif declaration.requirement == "conditionally_required":
        applies = conditions.holds(declaration.condition, attributes, failed)
        if applies is not False:
            report.add(
                rules.CONDITIONALLY_REQUIRED_NOT_PRESENT,
                f"The attribute {key!r} is absent. It is required: {declaration.condition}",
                attribute=key,
                level="violation" if applies else None,
            )
