"""Drift of outputs, and of categories."""

from __future__ import annotations

import numpy as np
import pytest

from otelml.monitors import DriftMonitor, Reference


@pytest.mark.parametrize(
    ("type_", "subject"),
    [("prediction", "The predictions have"), ("score", "The predicted scores have"), ("label", "The labels have")],
)
def test_outputs_are_watched_by_the_same_monitor(type_: str, subject: str) -> None:
    """A reference of one feature; the finding carries no feature name."""
    rng = np.random.default_rng(0)
    reference = Reference.build(rng.beta(2, 5, size=(5_000, 1)), feature_names=[type_])
    monitor = DriftMonitor(reference, type=type_, windows=(500,))
    (finding,) = monitor.update(rng.beta(3, 4, size=(500, 1)))
    assert (finding.type, finding.feature, finding.state) == (type_, None, "drifted")
    assert finding.message.startswith(subject)
    assert [(state.type, state.feature, state.state) for state in monitor.states] == [(type_, None, "drifted")]


def test_categories() -> None:
    """Unknown categories, and a category of many that has become common, are told by name."""
    rng = np.random.default_rng(0)
    levels = np.array([f"level {level}" for level in range(40)], dtype=object)
    chance = 1 / np.arange(1, 41)
    chance /= chance.sum()
    known = Reference.build({"plan": rng.choice(levels, 10_000, p=chance)})
    unknown = rng.choice(levels, 1_000, p=chance)
    unknown[::100] = "never seen"
    (finding,) = DriftMonitor(known, windows=(1_000,)).update({"plan": unknown})
    assert (finding.method, finding.state) == ("beta_binomial", "drifted")
    assert "more values are of no known category (1.00% of the rows instead of 0.00%)" in finding.message
    common = rng.choice(levels, 200, p=chance)
    common[::8] = "level 30"
    (finding,) = DriftMonitor(known, windows=(200,)).update({"plan": common})
    assert finding.moved[0].label == "'level 30'"
    assert "its values come in other proportions" in finding.message


def test_time_goes_on() -> None:
    """Later timestamps than those of training are no drift; a feature beside them still can drift."""
    rng = np.random.default_rng(0)
    start, seconds = np.datetime64("2026-01-01T00:00:00", "s"), np.arange(5_000).astype("timedelta64[s]")
    known = Reference.build({"at": start + seconds, "amount": rng.normal(size=5_000)})
    monitor = DriftMonitor(known, windows=(500,), dependence=False)
    later = [start + np.timedelta64(wait, "s") + seconds[:500] for wait in (900_000, 990_000)]
    assert monitor.update({"at": later[0], "amount": rng.normal(size=500)}) == []
    (finding,) = monitor.update({"at": later[1], "amount": rng.normal(2, size=500)})
    assert finding.feature == "amount"
