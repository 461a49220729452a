"""The versions of the OpenAI client that are instrumented."""

from __future__ import annotations

REQUIRES = ("openai >= 1.26",)
