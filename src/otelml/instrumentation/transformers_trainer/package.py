"""The versions of Transformers whose trainer is instrumented."""

from __future__ import annotations

REQUIRES = ("transformers >= 4.40",)
