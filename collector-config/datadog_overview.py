"""The overview for Datadog: its dashboard JSON, on the names that metrics keep there.

Datadog keeps OpenTelemetry's names and attributes as they are (`ml.inference.calls`, tag `ml.model.name`). Counters
arrive as increments a flush and become rates with `.as_rate()`; histograms become distributions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

_ALL = "$model,$version"


@dataclass(frozen=True)
class _Widget:
    title: str
    queries: dict[str, str]
    formula: str
    display: str = "line"

    def tree(self) -> dict[str, Any]:
        """The widget as Datadog reads it."""
        queries = [{"data_source": "metrics", "name": name, "query": query} for name, query in self.queries.items()]
        request = {
            "response_format": "timeseries",
            "queries": queries,
            "formulas": [{"formula": self.formula}],
            "display_type": self.display,
        }
        return {"definition": {"type": "timeseries", "title": self.title, "requests": [request]}}


def _sum(metric: Metric, where: str, by: str) -> str:
    return f"sum:{metric.name}{{{where}}} by {{{by}}}.as_rate()"


def _widgets() -> list[_Widget]:
    model, llm = names.ML_MODEL_NAME, names.GEN_AI_REQUEST_MODEL
    calls = _sum(metrics.ML_INFERENCE_CALLS, _ALL, model)
    failed = _sum(metrics.ML_INFERENCE_CALLS, f"{_ALL},{names.ERROR_TYPE}:*", model)
    drifted = f"{_ALL},{names.ML_DRIFT_STATE}:{names.DriftState.DRIFTED}"
    return [
        _Widget("Calls", {"calls": calls}, "calls", "bars"),
        _Widget("Failing calls", {"failed": failed, "calls": calls}, "default_zero(failed) / calls"),
        _Widget(
            "Duration, 95th percentile",
            {"duration": f"p95:{metrics.ML_INFERENCE_DURATION.name}{{{_ALL}}} by {{{model}}}"},
            "duration",
        ),
        _Widget(
            "Predicted classes",
            {"classes": _sum(metrics.ML_INFERENCE_PREDICTIONS, _ALL, f"{model},{names.ML_PREDICTION_CLASS}")},
            "classes",
            "bars",
        ),
        _Widget(
            "Drifted features",
            {"drifted": f"max:{metrics.ML_DRIFT_STATUS.name}{{{drifted}}} by {{{model},{names.ML_FEATURE_NAME}}}"},
            "drifted",
        ),
        _Widget(
            "Training time by phase",
            {"time": _sum(metrics.ML_TRAINING_TIME, _ALL, f"{model},{names.ML_TRAINING_PHASE}")},
            "time",
            "area",
        ),
        _Widget(
            "LLM cost an hour, US dollars",
            {"cost": f"sum:{metrics.ML_GEN_AI_CLIENT_OPERATION_COST.name}{{*}} by {{{llm}}}.as_rate()"},
            "cost * 3600",
            "bars",
        ),
        _Widget(
            "LLM duration, 95th percentile",
            {"duration": f"p95:{metrics.GEN_AI_CLIENT_OPERATION_DURATION.name}{{*}} by {{{llm}}}"},
            "duration",
        ),
        _Widget(
            "Contained faults of the telemetry",
            {"faults": _sum(metrics.ML_TELEMETRY_FAULTS, "*", names.ML_TELEMETRY_SITE)},
            "faults",
            "bars",
        ),
    ]


def overview_json() -> str:
    """Return the dashboard as JSON, for Datadog's import or its API `POST /api/v1/dashboard`."""
    tree = {
        "title": "ML overview (otelml)",
        "description": "Calls, errors, durations, drift, training and LLM cost, from OpenTelemetry.",
        "layout_type": "ordered",
        "template_variables": [
            {"name": "model", "prefix": names.ML_MODEL_NAME, "defaults": ["*"]},
            {"name": "version", "prefix": names.ML_MODEL_VERSION, "defaults": ["*"]},
        ],
        "widgets": [widget.tree() for widget in _widgets()],
    }
    return json.dumps(tree, indent=2) + "\n"
