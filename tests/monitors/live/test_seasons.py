"""With `reference_period`, windows are compared with the training data of the hours that their rows are of."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.monitors.live.profiled import profiled
from otelml.monitors.reference import Reference
from otelml.semconv import attributes as names
from otelml.semconv import events
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_serving import changes
from tests.support.telemetry import Telemetry

DAY = 86_400


def orders(rows: int, hour: int | None = None, seed: int = 0, more: float = 0.0) -> pd.DataFrame:
    """Orders at any hour or one of them; those of the first six hours of a day are far larger."""
    random = np.random.default_rng(seed)
    seconds = random.integers(0, DAY, rows) if hour is None else hour * 3600 + random.integers(0, 3600, rows)
    amount = random.normal(size=rows) + 3.0 * (seconds < 6 * 3600) + more
    when = pd.Timestamp("2026-03-01") + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame({"amount": amount, "age": random.normal(size=rows), "when": when})


def trained() -> Any:
    """A pipeline that leaves the timestamps aside, as it is after a round through pickle."""
    table = orders(6_000)
    columns = make_column_transformer((StandardScaler(), ["amount", "age"]))
    return pickle.loads(pickle.dumps(make_pipeline(columns, LogisticRegression()).fit(table, table["age"] > 0)))


@pytest.mark.parametrize(("period", "more", "found"), [("none", 0.0, True), ("hour", 0.0, False), ("hour", 0.8, True)])
def test_night_is_compared_with_nights(
    watch: Watch, telemetry: Telemetry, period: str, more: float, found: bool
) -> None:
    """Rows of three o'clock look drifted beside whole days, not beside training rows of that hour, unless they have."""
    watch(reference_period=period)
    model = trained()
    for seed in range(8):
        model.predict(orders(100, 3, seed + 1, more))
    telemetry.requests()
    assert [feature for feature, state in changes(telemetry) if state == "drifted"] == ["amount"] * found


def test_the_hours_are_those_of_the_rows_in_any_frame(watch: Watch, telemetry: Telemetry) -> None:
    """The timestamps of the rows count, not the time of the call, and in polars as in pandas."""
    watch(reference_period="hour")
    reference = Reference.from_dict(profiled(trained()).table)  # type: ignore[union-attr]
    assert reference.periods is not None
    night = orders(50, 3)
    for table in (night, pl.from_pandas(night)):
        assert set(reference.bin(table).periods.tolist()) == {3}  # type: ignore[union-attr]


def test_without_timestamps_the_reference_is_of_the_whole(watch: Watch, telemetry: Telemetry) -> None:
    """A model whose training data have no timestamps is compared with all of them, and telemetry says so."""
    watch(reference_period="hour")
    table = orders(2_000)[["amount", "age"]]
    model = LogisticRegression().fit(table, table["age"] > 0)
    model.predict(table)
    telemetry.requests()
    (event,) = [event for event in telemetry.events if event.name == events.ML_DRIFT_REFERENCE.name]
    assert event.attributes[names.ML_DRIFT_REFERENCE_STATE] == "taken"
    assert "no timestamps" in event.attributes[names.ML_DRIFT_REFERENCE_REASON]


def test_partial_fit_adds_to_the_hours(watch: Watch) -> None:
    """What `partial_fit` adds is counted by hour, too."""
    watch(reference_period="hour")
    table = orders(3_000)
    model = make_pipeline(make_column_transformer((StandardScaler(), ["amount", "age"])), SGDClassifier())
    model.fit(table, table["age"] > 0)
    reference = Reference.from_dict(profiled(model).table)  # type: ignore[union-attr]
    extended = reference.extended(orders(100, 7, seed=4))
    assert reference.periods is not None
    assert extended.periods is not None
    grown = extended.periods.rows - reference.periods.rows
    assert grown.tolist() == [100 * (hour == 7) for hour in range(24)]
    assert (extended.periods.counts.sum(0) == extended.counts).all()
    again = Reference.from_json(extended.to_json())
    assert again.periods is not None
    assert again.periods.clock == 2
