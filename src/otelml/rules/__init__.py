"""Prometheus rules for otelml's telemetry: service-level objectives, fleet drift and alerts, made from the convention.

Knows the convention's names only. `read_objectives` reads a file of objectives, `rule_files` makes the rules of it.
"""

from __future__ import annotations

from otelml.rules.generation import RuleFile, rule_files
from otelml.rules.objectives import Objectives, read_objectives
from otelml.rules.source import SourceError

__all__ = ["Objectives", "RuleFile", "SourceError", "read_objectives", "rule_files"]
