"""The versions of LiteLLM that are instrumented."""

from __future__ import annotations

REQUIRES = ("litellm >= 1.60",)
