"""The versions of huggingface_hub whose inference clients are instrumented."""

from __future__ import annotations

REQUIRES = ("huggingface_hub >= 0.30",)
