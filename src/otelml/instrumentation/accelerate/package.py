"""The versions of Accelerate that are instrumented."""

from __future__ import annotations

REQUIRES = ("accelerate >= 0.30",)
