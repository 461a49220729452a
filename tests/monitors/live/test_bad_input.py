"""Every row of the table of bad input in docs/drift.md: what happens, and the telemetry that shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from otelml.observations.profile import REFERENCE, profile_of, write_section
from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_inputs import Zero, frame, numbers
from tests.support.telemetry import Telemetry

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "drift.md"
_HEADING = "| What comes in |"


class Case(NamedTuple):
    """What a model is trained with and given, and what telemetry says: events in short, in any order."""

    trained: Callable[[], Any]
    given: Callable[[], Any]
    said: set[str]
    damaged: dict[str, Any] | None = None


def mixed(rows: int, seed: int = 0, **columns: Any) -> Any:
    """A data frame of two columns of numbers and one of categories, some of them replaced."""
    return frame(rows, seed).assign(**columns)


def day(rows: int, year: int) -> Any:
    """Dates as texts."""
    return pd.date_range(f"{year}-01-01", periods=rows, freq="min").strftime("%Y-%m-%d %H:%M")


def with_targets() -> Any:
    """A table, for a model that has a target of two columns."""
    return mixed(2_000)


CASES: dict[str, Case] = {
    "a column less": Case(
        lambda: mixed(2_000), lambda: mixed(1_200, 1).drop(columns="income"), {"check schema fail, income"}
    ),
    "a column more": Case(lambda: mixed(2_000), lambda: mixed(1_200, 1, extra=1.0), {"check schema fail, extra"}),
    "named columns in another order": Case(
        lambda: mixed(2_000),
        lambda: mixed(1_200, 1)[["plan", "age", "income"]],
        {"check schema fail, in another order"},
    ),
    "unnamed columns in another order": Case(
        lambda: numbers(2_000) * [1, 10, 100],
        lambda: numbers(1_200, 1)[:, [1, 0, 2]] * [10, 1, 100],
        {"x0 drifted", "x1 drifted", "check range fail, 'x0'"},
    ),
    "texts in a column of numbers": Case(
        lambda: mixed(2_000),
        lambda: mixed(1_200, 1, age=["unknown", *mixed(1_199, 2)["age"]]),
        {"check type fail, 'age'"},
    ),
    "numbers in a column of texts": Case(
        lambda: mixed(2_000),
        lambda: mixed(1_200, 1, plan=np.arange(1_200) % 3),
        {"plan drifted", "check type fail, 'plan'"},
    ),
    "a column of NaN": Case(
        lambda: mixed(2_000), lambda: mixed(1_200, 1, age=np.nan), {"age drifted", "check not_null fail, 'age'"}
    ),
    "a column that is constant": Case(
        lambda: mixed(2_000), lambda: mixed(1_200, 1, age=40.0), {"age drifted", "check constant fail, 'age'"}
    ),
    "a column that was constant in training": Case(
        lambda: mixed(2_000, age=40.0), lambda: mixed(1_200, 1, age=40.0), set()
    ),
    "infinite numbers": Case(
        lambda: mixed(2_000),
        lambda: mixed(1_200, 1, income=[np.inf, *mixed(1_199, 2)["income"]]),
        {"check finite fail, 'income'"},
    ),
    "10 categories in training, a million live": Case(
        lambda: mixed(2_000, plan=[f"p{at % 10}" for at in range(2_000)]),
        lambda: mixed(1_000_000, 1, plan=[f"n{at}" for at in range(1_000_000)]),
        {"plan drifted", "check category fail, 'plan'"},
    ),
    "dates as texts": Case(
        lambda: mixed(2_000, plan=day(2_000, 2025)), lambda: mixed(1_200, 1, plan=day(1_200, 2026)), set()
    ),
    "100,000 columns": Case(
        lambda: np.random.default_rng(0).normal(size=(60, 100_000)),
        lambda: np.random.default_rng(1).normal(size=(20, 100_000)),
        {"reference capped, 1000 of 100000 features are watched"},
    ),
    "a profile of a newer release": Case(
        lambda: mixed(2_000),
        lambda: mixed(1_200, 1),
        {"reference refused, version: 99 is newer", "reference taken, the model has no profile"},
        {"version": 99},
    ),
    "a profile that somebody has changed": Case(
        lambda: mixed(2_000),
        lambda: mixed(1_200, 1),
        {"reference refused, counts: those of a feature", "reference taken, the model has no profile"},
        {"rows": 1_999},
    ),
    "one row, or none": Case(lambda: mixed(2_000), lambda: mixed(1, 1), set()),
    "a target of two columns": Case(with_targets, lambda: mixed(1_200, 1), set()),
}


def told(telemetry: Telemetry) -> set[str]:
    """What events say, in short: checks that fail, features that have drifted, references other than the usual."""
    found = set()
    for event in telemetry.events:
        about = event.attributes
        if event.name == events.ML_DATA_QUALITY_RESULT.name:
            check, result = about[names.ML_DATA_QUALITY_CHECK_NAME], about[names.ML_DATA_QUALITY_CHECK_RESULT]
            found.add(f"check {check} {result}, {event.body}")
        elif event.name == events.ML_DRIFT_RESULT.name:
            subject = about.get(names.ML_FEATURE_NAME, about[names.ML_DRIFT_TYPE])
            found.add(f"{subject} {about[names.ML_DRIFT_STATE]}")
        elif event.name == events.ML_DRIFT_REFERENCE.name and names.ML_DRIFT_REFERENCE_REASON in about:
            found.add(f"reference {about[names.ML_DRIFT_REFERENCE_STATE]}, {about[names.ML_DRIFT_REFERENCE_REASON]}")
    return found


@pytest.mark.parametrize("what", CASES)
def test_bad_input_shows(what: str, watch: Watch, telemetry: Telemetry) -> None:
    """The call returns what the model returns, and telemetry says what was wrong, and nothing of other columns."""
    watch()
    case = CASES[what]
    target = np.column_stack([np.arange(2_000) % 2, np.arange(2_000) % 3]) if case.trained is with_targets else None
    model = Zero().fit(case.trained(), target)
    if case.damaged is not None:
        section = profile_of(model)[REFERENCE]  # type: ignore[index]
        write_section(model, REFERENCE, {**section, "table": {**section["table"], **case.damaged}})
    given = case.given()
    result = model.predict(given[:0])
    assert len(result) == 0
    assert len(model.predict(given)) == len(given)
    found = told(telemetry)
    for said in case.said:
        start, _, words = said.partition(", ")
        assert any(each.startswith(start) and words in each for each in found), (said, found)
    strange = {each for each in found if not any(each.startswith(said.partition(", ")[0]) for said in case.said)}
    assert not {each for each in strange if not each.startswith(("dependence", "check range", "check unique"))}, found
    if what == "one row, or none":
        assert {point.value for point in telemetry.points(metrics.ML_FEATURE_VALUES.name)} == {1}
    if what == "a target of two columns":
        table = profile_of(model)[REFERENCE]["table"]  # type: ignore[index]
        assert table["target"]["names"] == ["target[0]", "target[1]"]


def test_the_guide_has_these_rows() -> None:
    """What is documented is tested, and the other way round."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith(_HEADING)) + 2
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append(line.split("|")[1].strip())
    assert rows == list(CASES)
