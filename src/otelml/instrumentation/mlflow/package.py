"""The versions of MLflow that are instrumented; `mlflow-skinny` has the same modules."""

from __future__ import annotations

REQUIRES_ANY = ("mlflow >= 2.9", "mlflow-skinny >= 2.9")
