"""References: what the training data looked like, and how live data are counted beside it."""

from __future__ import annotations

from otelml.monitors.reference.layout import (
    ABOVE,
    BELOW,
    MISSING,
    SPECIAL,
    UNLISTED,
    Binned,
    ColumnChanges,
    Feature,
)
from otelml.monitors.reference.reference import Reference

__all__ = ["ABOVE", "BELOW", "MISSING", "SPECIAL", "UNLISTED", "Binned", "ColumnChanges", "Feature", "Reference"]
