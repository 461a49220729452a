"""The versions of Transformers whose generation is instrumented."""

from __future__ import annotations

REQUIRES = ("transformers >= 4.40",)
