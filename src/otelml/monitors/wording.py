"""Findings in words that a person understands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from otelml.monitors.alarms import DRIFTED, OK
from otelml.monitors.comparison import (
    CATEGORY,
    ENDS,
    LOCATION,
    METHODS,
    MISSING_LESS,
    MISSING_MORE,
    OUTSIDE,
    SCALE,
    SHAPE,
    UNSEEN,
    Effects,
)
from otelml.monitors.judgement import Evidence, Minimum
from otelml.monitors.reference import Reference
from otelml.monitors.statistics import shares
from otelml.observations.findings import DriftFinding, MovedBin
from otelml.semconv.attributes import DriftMethod, DriftState, DriftType

STATES = (DriftState.OK, DriftState.WARNING, DriftState.DRIFTED)
"""Values of `ml.drift.state` by level."""

_MOST_BINS = 3
_LEAST_MOVE = 0.0005
_RATES = {MISSING_MORE: 0, MISSING_LESS: 0, UNSEEN: 1, OUTSIDE: 2}

_SUBJECTS = {
    DriftType.PREDICTION: "The predictions",
    DriftType.SCORE: "The predicted scores",
    DriftType.LABEL: "The labels",
}
_PLURAL = frozenset(_SUBJECTS)


def feature_finding(
    type_: str, reference: Reference, minimum: Minimum, evidence: Evidence, feature: int, previous: int, level: int
) -> DriftFinding:
    """The finding that a feature, or a prediction, has changed its state.

    Args:
        type_: what drifted, a value of `ml.drift.type`.
        reference: what the window was compared with.
        minimum: the least changes that count as drift.
        evidence: the window that decided.
        feature: the number of the feature.
        previous: its level before.
        level: its level now.
    """
    effects, compared, window = evidence.effects, evidence.compared, evidence.window
    test = int(compared.decisive[feature])
    of_rate = test in _RATES
    score = float(effects.rates[_RATES[test], feature]) if of_rate else psi_score(effects, feature)
    moved = moved_bins(reference, evidence, feature)
    name = reference.features[feature].name
    subject = _SUBJECTS.get(type_, f"Feature {name!r}")
    whose = "their" if type_ in _PLURAL else "its"
    return DriftFinding(
        type=type_,
        feature=name if type_ == DriftType.FEATURE else None,
        method=METHODS[test],
        state=STATES[level],
        previous=STATES[previous],
        score=score,
        threshold=minimum.rate if of_rate else minimum.effect,
        p_value=float(compared.p[feature]),
        window_rows=window.rows,
        window_start=window.start,
        window_end=window.end,
        moved=moved,
        message=_message(
            subject, type_ in _PLURAL, previous, level, _what(evidence, feature, test, whose), moved, evidence
        ),
        effects=effect_sizes(effects, feature),
    )


def dependence_finding(
    reference: Reference, minimum: Minimum, evidence: Evidence, previous: int, level: int
) -> DriftFinding:
    """The finding that the dependence between features has changed its state; see `feature_finding`."""
    pair, window = evidence.pair, evidence.window
    assert pair is not None
    first, second = (reference.features[feature].name for feature in (pair.first, pair.second))
    change = abs(pair.now - pair.before)
    what = f"the rank correlation of {first!r} and {second!r} is {pair.now:.2f} instead of {pair.before:.2f}"
    return DriftFinding(
        type=DriftType.DEPENDENCE,
        feature=None,
        method=DriftMethod.RANK_CORRELATION,
        state=STATES[level],
        previous=STATES[previous],
        score=change,
        threshold=minimum.correlation,
        p_value=pair.p,
        window_rows=window.rows,
        window_start=window.start,
        window_end=window.end,
        moved=(),
        message=_message("The dependence between features", False, previous, level, what, (), evidence),
        effects={DriftMethod.RANK_CORRELATION: change},
    )


def psi_score(effects: Effects, feature: int) -> float:
    """The corrected population stability index of a feature; no divergence is below 0."""
    return max(0.0, float(effects.corrected[feature]))


def effect_sizes(effects: Effects, feature: int) -> dict[str, float]:
    """The effect sizes of a feature by value of `ml.drift.method`; those that have no meaning are left out."""
    sizes = {
        DriftMethod.PSI: psi_score(effects, feature),
        DriftMethod.JENSEN_SHANNON: float(effects.jensen_shannon[feature]),
        DriftMethod.KS: float(effects.ks[feature]),
        DriftMethod.WASSERSTEIN: float(effects.wasserstein[feature]),
    }
    return {name: size for name, size in sizes.items() if math.isfinite(size)}


def moved_bins(reference: Reference, evidence: Evidence, feature: int) -> tuple[MovedBin, ...]:
    """The bins whose share of the rows moved most, three at most."""
    everywhere = np.ones((1, evidence.window.counts.shape[1]), dtype=bool)
    before = shares(evidence.reference[feature : feature + 1], everywhere)[0]
    now = shares(evidence.window.counts[feature : feature + 1], everywhere)[0]
    apart = np.abs(now - before)
    leading = [int(cell) for cell in np.argsort(-apart, kind="stable")[:_MOST_BINS] if apart[cell] > _LEAST_MOVE]
    labels = reference.labels(feature)
    return tuple(MovedBin(labels[cell], float(before[cell]), float(now[cell])) for cell in leading)


def _message(
    subject: str, plural: bool, previous: int, level: int, what: str, moved: Sequence[MovedBin], evidence: Evidence
) -> str:
    has, is_ = ("have", "are") if plural else ("has", "is")
    rows = f"Compared: {evidence.window.rows:,} rows."
    if level == OK:
        return f"{subject} {is_} back to the reference. {rows}"
    if level == DRIFTED:
        opening = f"{subject} {has} drifted: {what}."
    elif previous == DRIFTED:
        differs = "differ" if plural else "differs"
        opening = f"{subject} {has} come closer to the reference, but still {differs}: {what}."
    else:
        opening = f"{subject} {has} changed a little: {what}."
    bins = "; ".join(f"{label}: {before:.1%} -> {now:.1%}" for label, before, now in moved)
    return " ".join(part for part in (opening, bins and f"Moved most: {bins}.", rows) if part)


def _what(evidence: Evidence, feature: int, test: int, whose: str) -> str:
    if test in _RATES:
        effects, kind = evidence.effects, _RATES[test]
        now = _rate(evidence.window.counts[feature], kind)
        before = now - float(effects.rates[kind, feature])
        words = _RATE_WORDS[test](bool(evidence.comparison.ordered[feature]))
        return f"{words} ({now:.2%} of the rows instead of {max(before, 0.0):.2%})"
    if test == LOCATION:
        word = "higher" if evidence.compared.location[feature] > 0 else "lower"
        shift = abs(float(evidence.effects.shift[feature]))
        return f"{whose} values are {word}, by {shift:.2f} of their usual spread"
    if test == SCALE:
        return f"{whose} values are {'more' if evidence.compared.scale[feature] > 0 else 'less'} spread"
    assert test in (SHAPE, ENDS, CATEGORY)
    if evidence.comparison.ordered[feature]:
        return f"the shape of {whose} distribution is another"
    return f"{whose} values come in other proportions"


def _rate(counts: np.ndarray[tuple[int, ...], np.dtype[np.int32]], kind: int) -> float:
    number = (counts[-4], counts[-3], counts[-2] + counts[-1])[kind]
    return float(number) / max(float(counts.sum()), 1.0)


_RATE_WORDS: dict[int, Callable[[bool], str]] = {
    MISSING_MORE: lambda _: "more values are missing",
    MISSING_LESS: lambda _: "fewer values are missing",
    UNSEEN: lambda ordered: "more values are of another type" if ordered else "more values are of no known category",
    OUTSIDE: lambda _: "more values lie outside of the known range",
}
