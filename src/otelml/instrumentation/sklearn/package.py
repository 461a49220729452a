"""The versions of scikit-learn that are instrumented."""

from __future__ import annotations

REQUIRES = ("scikit-learn >= 1.4",)
