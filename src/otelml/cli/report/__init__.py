"""``otelml report``: a page of what the monitors of a process have seen."""

from __future__ import annotations

from otelml.cli.report.command import configure, run

__all__ = ["configure", "run"]
