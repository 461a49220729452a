"""The live check: holds OTLP data against the registry, with the finding ids of `weaver registry live-check`.

It knows more than Weaver where our convention is stricter (span types, names and status, schema URLs, undeclared
attributes on declared signals), and leaves out what is about the registry rather than the telemetry (`not_stable`,
`opt_in_attribute_not_present`).
"""

from __future__ import annotations

from otelml.viewer.livecheck.check import LiveCheck
from otelml.viewer.livecheck.findings import LEVELS, RULES, Finding, Tally, as_dict
from otelml.viewer.livecheck.registry import Registry, installed_registry, parse_registry

__all__ = [
    "LEVELS",
    "RULES",
    "Finding",
    "LiveCheck",
    "Registry",
    "Tally",
    "as_dict",
    "installed_registry",
    "parse_registry",
]
