"""The versions of Mistral's client that are instrumented."""

from __future__ import annotations

REQUIRES = ("mistralai >= 2",)
