"""What `partial_fit` learns from makes the profile grow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDClassifier

from otelml.monitors import Reference
from otelml.observations.profile import profile_of
from otelml.semconv import attributes as names
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_inputs import numbers
from tests.support.telemetry import Telemetry


def learned_in_parts(calls: int, rows: int) -> Reference:
    """The profile after calls of `partial_fit`."""
    model = SGDClassifier()
    for seed in range(calls):
        model.partial_fit(numbers(rows, seed), np.arange(rows) % 2, classes=[0, 1])
    return reference_of(model)


def reference_of(model: object) -> Reference:
    """What training has left on a model."""
    profile = profile_of(model)
    assert profile is not None
    return Reference.from_dict(profile["reference"]["table"])


def test_partial_fit_adds_up(watch: Watch) -> None:
    """The profile holds the rows of all calls, whether the bins were settled before or not."""
    watch()
    reference = learned_in_parts(6, 400)
    assert reference.rows == 2400
    assert reference.counts.sum(axis=1).tolist() == [2400] * 3


@pytest.mark.parametrize(
    ("calls", "rows", "least", "most"),
    [
        (1, 1, 1, 1),
        (3, 1, 2, 2),
        (700, 1, 512, 512),
        (3000, 1, 2745, 3000),
        (90, 100, 8745, 9000),
        (1, 20_000, 10_000, 20_000),
    ],
)
def test_partial_fit_of_few_rows_a_call(calls: int, rows: int, least: int, most: int, watch: Watch) -> None:
    """Rows of quick calls are gathered: the profile lacks 255 at most, or half of the first 1,000."""
    watch()
    reference = learned_in_parts(calls, rows)
    assert least <= reference.rows <= most
    assert reference.target is not None
    assert reference.target.rows == reference.rows


def test_partial_fit_beyond_the_budget(watch: Watch) -> None:
    """Of rows that the budget does not pay for, a part is counted."""
    watch(overhead_budget=0.03)
    assert 9_745 <= learned_in_parts(400, 100).rows < 30_000


def test_partial_fit_with_parts_that_do_not_go_together(watch: Watch, telemetry: Telemetry) -> None:
    """Parts of other types are refused, and telemetry says so; those that come later count."""
    watch()
    model = SGDClassifier()
    model.partial_fit(pd.DataFrame(numbers(100)), np.arange(100) % 2, classes=[0, 1])
    model.partial_fit(numbers(100), np.arange(100) % 2)
    (event,) = telemetry.events
    assert event.attributes[names.ML_DRIFT_REFERENCE_STATE] == "refused"
    for seed in range(3):
        model.partial_fit(numbers(1000, seed), np.arange(1000) % 2)
    assert reference_of(model).rows == 3_000
