"""The versions of Cohere's client that are instrumented."""

from __future__ import annotations

REQUIRES = ("cohere >= 5.16",)
