"""The versions of Ollama's client that are instrumented."""

from __future__ import annotations

REQUIRES = ("ollama >= 0.4",)
