"""The versions of Groq's client that are instrumented."""

from __future__ import annotations

REQUIRES = ("groq >= 0.11",)
