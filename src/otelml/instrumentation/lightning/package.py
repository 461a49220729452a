"""The versions of Lightning that are instrumented; both distributions have the same callbacks."""

from __future__ import annotations

REQUIRES_ANY = ("lightning >= 2.2", "pytorch-lightning >= 2.2")
