"""The versions of Google's GenAI client that are instrumented."""

from __future__ import annotations

REQUIRES = ("google-genai >= 1.28",)
