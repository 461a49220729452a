"""Drift of input features, over all replicas of a model and as single processes report it."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.packs.distribution import shares, stability_index
from otelml.rules.promql import Series, increase, labels
from otelml.rules.rule import Alert, Group, Recording
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION)
FEATURE = (*MODEL, names.ML_FEATURE_NAME)
WINDOWS = ("1h", "1d")
REFERENCE = "otelml:feature_reference:ratio"


def counted(window: str) -> str:
    """Return the name of the recording of the values by bin over all replicas."""
    return f"otelml:feature_values:increase{window}"


def share(window: str) -> str:
    """Return the name of the recording of the share of each bin over all replicas."""
    return f"otelml:feature_values:share{window}"


def index(window: str) -> str:
    """Return the name of the recording of the population stability index over all replicas."""
    return f"otelml:feature_values:psi{window}"


def group(limits: Limits) -> Group:
    """Return the rules."""
    # Every replica reports the same fractions; after a new fit under one version the newest reference counts, once
    # the replicas of the old one are gone.
    expected = f"max by ({labels(*FEATURE, names.ML_FEATURE_BIN)}) ({Series(metrics.ML_FEATURE_REFERENCE_RATIO)})"
    rules: list[Recording | Alert] = [Recording(REFERENCE, expected)]
    for window in WINDOWS:
        values = increase(Series(metrics.ML_FEATURE_VALUES), window, *FEATURE, names.ML_FEATURE_BIN)
        rules += [
            Recording(counted(window), values),
            shares(share(window), counted(window), REFERENCE, names.ML_FEATURE_BIN, *FEATURE),
            stability_index(index(window), share(window), REFERENCE, *FEATURE),
        ]
    rules += [_feature(window, limits) for window in WINDOWS]
    return Group("drift", (*rules, _many(limits), _reported()))


def _enough(window: str, limits: Limits) -> str:
    return f"(sum by ({labels(*FEATURE)}) ({counted(window)}) >= {limits['minimumRows']:g})"


def _drifting(window: str, limits: Limits) -> str:
    return f"({index(window)} > {limits['stabilityIndex']:g}) and {_enough(window, limits)}"


def _shown(*keys: str) -> str:
    return " ".join("{{ $labels." + labels(key) + " }}" for key in keys)


def _feature(window: str, limits: Limits) -> Alert:
    return Alert(
        "FeatureDrift",
        _drifting(window, limits),
        "ticket",
        f"{_shown(names.ML_FEATURE_NAME)} of {_shown(*MODEL)} has moved away from the training data over all replicas"
        f" (PSI {{{{ $value | humanize }}}} over {window})",
        "the panel Bins of the dashboard Drift: which values became more or fewer, and since when",
        "feature-drift",
        "10m",
        {"drift_window": window},
    )


def _many(limits: Limits) -> Alert:
    by = labels(*MODEL)
    window = WINDOWS[0]
    return Alert(
        "ManyFeaturesDrift",
        f"(count by ({by}) ({_drifting(window, limits)}) / count by ({by}) ({_enough(window, limits)}))"
        f" > {limits['featureRatio']:g}",
        "page",
        f"{{{{ $value | humanizePercentage }}}} of the features of {_shown(*MODEL)} moved at once",
        "what all these features come from: a table, a join or a unit that changed; rarely is it the world",
        "many-features-drift",
        "10m",
    )


def _reported() -> Alert:
    states = Series(metrics.ML_DRIFT_STATUS)
    drifted = states.where(names.ML_DRIFT_STATE, "=", names.DriftState.DRIFTED)
    keys = (*MODEL, names.ML_DRIFT_TYPE, names.ML_FEATURE_NAME)
    return Alert(
        "DriftReported",
        f"max by ({labels(*keys)}) ({drifted}) == 1",
        "ticket",
        f"a process reports drift of {_shown(names.ML_DRIFT_TYPE, names.ML_FEATURE_NAME)} of {_shown(*MODEL)}",
        "the event of the finding, which says which bins moved; then whether all replicas report the same",
        "drift-reported",
        "10m",
    )
