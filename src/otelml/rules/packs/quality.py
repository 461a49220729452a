"""Data quality: checks that fail."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.promql import Series, increase, labels
from otelml.rules.rule import Alert, Group
from otelml.semconv import attributes as names
from otelml.semconv import metrics


def group(limits: Limits) -> Group:
    """Return the rules."""
    keys = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION, names.ML_DATA_QUALITY_CHECK_NAME, names.ML_FEATURE_NAME)
    checks = Series(metrics.ML_DATA_QUALITY_CHECKS)
    fail = names.DataQualityCheckResult.FAIL
    failed = increase(checks.where(names.ML_DATA_QUALITY_CHECK_RESULT, "=", fail), "1h", *keys)
    every = increase(checks, "1h", *keys)
    check, feature, model = (
        "{{ $labels." + labels(key) + " }}"
        for key in (names.ML_DATA_QUALITY_CHECK_NAME, names.ML_FEATURE_NAME, names.ML_MODEL_NAME)
    )
    return Group(
        "quality",
        (
            Alert(
                "DataQualityFails",
                f"({failed} / ({every} >= {limits['minimumChecks']:g})) > {limits['failedRatio']:g}",
                "ticket",
                f"{{{{ $value | humanizePercentage }}}} of the checks {check} {feature} of the inputs of {model} fail",
                "the event of the finding, which says what was expected and what was seen; then what fills the feature",
                "data-quality-fails",
                "5m",
            ),
        ),
    )
