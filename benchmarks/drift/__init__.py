"""How well drift is found, and how often nothing is taken for it: `python -m benchmarks.drift` writes DRIFT.md."""

from __future__ import annotations
