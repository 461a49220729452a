"""The versions of Anthropic's client that are instrumented."""

from __future__ import annotations

REQUIRES = ("anthropic >= 0.51",)
