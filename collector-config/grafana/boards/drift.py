"""Drift and data quality: over all replicas, and as single processes report it."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, Variable, legend, model_variables, of_model
from otelml.rules.packs import drift
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = names.ML_MODEL_NAME
FEATURE = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION, names.ML_FEATURE_NAME)
CHOSEN = f'{labels(MODEL)}=~"$model",{labels(names.ML_MODEL_VERSION)}=~"$version"'
ONE = f'{CHOSEN},{labels(names.ML_FEATURE_NAME)}=~"$feature"'
BIN = (*FEATURE, names.ML_FEATURE_BIN)
VALUES = of_model(metrics.ML_FEATURE_VALUES)
STATES = of_model(metrics.ML_DRIFT_STATUS)
CHECKS = of_model(metrics.ML_DATA_QUALITY_CHECKS)
CHECK = (names.ML_DATA_QUALITY_CHECK_NAME, names.ML_FEATURE_NAME)
FAILED = CHECKS.where(names.ML_DATA_QUALITY_CHECK_RESULT, "=", names.DataQualityCheckResult.FAIL)
COUNTED = (MODEL, names.ML_DRIFT_TYPE, names.ML_FEATURE_NAME, names.ML_DRIFT_STATE)

BOARD = Board(
    "otelml-drift",
    "Drift and data quality",
    "Whether the inputs still look like the training data, which features moved, and where to.",
    (
        *model_variables(metrics.ML_FEATURE_VALUES),
        Variable("feature", "Feature", Series(metrics.ML_FEATURE_VALUES), names.ML_FEATURE_NAME),
    ),
    (
        (
            "All replicas",
            (
                Panel(
                    "Stability index by feature, last hour",
                    "lines",
                    "none",
                    (Query(f"{drift.index('1h')}{{{ONE}}}", legend(*FEATURE)),),
                    "PSI against the training data over all replicas; above 0.2 the feature is of another kind."
                    " Under 1,000 rows it is mostly noise.",
                ),
                Panel(
                    "Stability index by feature, last day",
                    "lines",
                    "none",
                    (Query(f"{drift.index('1d')}{{{ONE}}}", legend(*FEATURE)),),
                    "The same over a day: slower, and sees smaller changes.",
                ),
                Panel(
                    "Bins: share now minus share in training",
                    "lines",
                    "percentunit",
                    (
                        Query(
                            f"sum by ({labels(*BIN)}) ({drift.share('1h')}{{{ONE}}})"
                            f" - sum by ({labels(*BIN)}) ({drift.REFERENCE}{{{ONE}}})",
                            legend(*BIN),
                        ),
                    ),
                    "Which values became more or fewer; choose one feature.",
                ),
                Panel(
                    "Values a second",
                    "stacked",
                    "short",
                    (Query(rate(VALUES, WINDOW, *FEATURE), legend(*FEATURE)),),
                    "How much is behind the numbers above.",
                ),
            ),
        ),
        (
            "As processes report it",
            (
                Panel(
                    "Checks by state",
                    "stacked",
                    "none",
                    (
                        Query(
                            f"sum by ({labels(names.ML_DRIFT_STATE)}) (max by ({labels(*COUNTED)}) ({STATES}))",
                            legend(names.ML_DRIFT_STATE),
                        ),
                    ),
                    "A check is in the state that any replica reports.",
                    8,
                ),
                Panel(
                    "Scores of the checks",
                    "lines",
                    "none",
                    (
                        Query(
                            f"max by ({labels(MODEL, names.ML_DRIFT_METHOD, names.ML_FEATURE_NAME)})"
                            f" ({of_model(metrics.ML_DRIFT_SCORE)})",
                            legend(MODEL, names.ML_DRIFT_METHOD, names.ML_FEATURE_NAME),
                        ),
                    ),
                    "The latest value of each statistic; values of different methods are not comparable.",
                    8,
                ),
                Panel(
                    "Share of drifted features",
                    "lines",
                    "percentunit",
                    (
                        Query(
                            f"max by ({labels(MODEL)}) ({of_model(metrics.ML_DRIFT_FEATURE_RATIO)})",
                            legend(MODEL),
                        ),
                    ),
                    "Many at once is rarely the world, mostly a join, a unit or a default that changed.",
                    8,
                ),
            ),
        ),
        (
            "Data quality",
            (
                Panel(
                    "Failing checks",
                    "lines",
                    "percentunit",
                    (Query(f"{rate(FAILED, WINDOW, *CHECK)} / {rate(CHECKS, WINDOW, *CHECK)}", legend(*CHECK)),),
                    "Share of the runs of a check that fail.",
                ),
                Panel(
                    "Violations",
                    "stacked",
                    "short",
                    (Query(rate(of_model(metrics.ML_DATA_QUALITY_VIOLATIONS), WINDOW, *CHECK), legend(*CHECK)),),
                    "Values or rows a second that violate a check.",
                ),
            ),
        ),
    ),
)
