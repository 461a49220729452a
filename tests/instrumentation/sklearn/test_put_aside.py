"""What calls returned of which nothing is recorded is put aside, and counted later as if it had been at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from otelml.telemetry.series import MOST_ASIDE
from tests.instrumentation.sklearn import test_classes, test_scores
from tests.instrumentation.sklearn.data import THREE, X, Y
from tests.support.telemetry import Telemetry

CALLS = 5


@pytest.fixture(autouse=True)
def counting_only(instrument: Callable[..., None]) -> None:
    """The hook is on, and all calls but the first are quick."""
    instrument(overhead_budget=0)


def times(counts: dict[str, int] | Counter[str], calls: int = CALLS) -> dict[str, int]:
    """What several equal calls give."""
    return {key: count * calls for key, count in counts.items()}


@pytest.mark.parametrize("kind", test_classes.LABELS)
def test_labels(kind: str, telemetry: Telemetry) -> None:
    """Labels of every type are counted as in a call that is recorded."""
    labels, expected = test_classes.LABELS[kind]
    model = test_classes.Says(labels)
    for _ in range(CALLS):
        assert model.predict(X) is labels
    assert test_classes.counted(telemetry) == times(expected or {})
    assert telemetry.total("ml.inference.calls") == CALLS


@pytest.mark.parametrize("kind", test_scores.SCORES)
def test_scores_of_every_kind(kind: str, telemetry: Telemetry) -> None:
    """Scores fall into the bins that they fall into in a call that is recorded."""
    scores, expected = test_scores.SCORES[kind]
    model = test_scores.Says(scores)
    for _ in range(CALLS):
        assert model.decision_function(X) is scores
    assert test_scores.counted(telemetry) == times(expected or test_scores.binned(scores, test_scores.SCORE_EDGES))


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
@pytest.mark.parametrize("kind", test_scores.NO_SCORES)
def test_results_that_are_no_scores(kind: str, method: str, telemetry: Telemetry) -> None:
    """Whatever else comes back is no score, and the calls count."""
    result = test_scores.NO_SCORES[kind]
    model = test_scores.Says(result, np.array(["a", "b"]))
    for _ in range(CALLS):
        assert getattr(model, method)(X) is result
    assert test_scores.counted(telemetry) == {}
    assert telemetry.total("ml.inference.calls") == CALLS


@pytest.mark.parametrize("kind", test_scores.PROBABILITIES)
def test_probabilities(kind: str, telemetry: Telemetry) -> None:
    """Probabilities are binned, and the most probable class is counted."""
    result, bins, classes = test_scores.PROBABILITIES[kind]
    model = test_scores.Says(result, np.array(["a", "b"]))
    for _ in range(CALLS):
        model.predict_proba(X)
    assert test_scores.counted(telemetry) == times(bins)
    assert test_classes.counted(telemetry) == times(classes)


@pytest.mark.parametrize("rows", [1, 7, 60])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("target", [Y, THREE], ids=["binary", "three"])
def test_batches_of_several_sizes(target: Any, method: str, rows: int, telemetry: Telemetry) -> None:
    """Calls of one row and of many are added up exactly."""
    model = LogisticRegression().fit(X, target)
    for k in range(20):
        getattr(model, method)(X[: rows if k % 2 else 1])
    assert telemetry.total("ml.inference.samples") == 10 * rows + 10
    counted = "ml.prediction.scores" if method == "decision_function" else "ml.inference.predictions"
    assert telemetry.total(counted) == 10 * rows + 10


def test_what_the_host_changes_later(telemetry: Telemetry) -> None:
    """A result that the application overwrites was counted as it was returned."""
    model = LogisticRegression().fit(X, Y)
    expected = Counter(str(label) for label in model.predict(X).tolist() * (CALLS + 1))
    for _ in range(CALLS):
        model.predict(X)[:] = 7
    assert test_classes.counted(telemetry) == expected


def test_a_model_fitted_again_to_other_classes(telemetry: Telemetry) -> None:
    """Probabilities are of the classes that the model knew in the call."""
    model = LogisticRegression()
    for target in (Y, Y + 10):
        model.fit(X, target)
        for _ in range(CALLS):
            model.predict_proba(X)
    assert test_classes.counted(telemetry).keys() == {"0", "1", "10", "11"}
    assert set(Counter(test_classes.counted(telemetry).values()).values()) == {2}


@pytest.mark.parametrize("rows", [MOST_ASIDE // 8 // 3, MOST_ASIDE // 8, MOST_ASIDE])
def test_long_results(rows: int, telemetry: Telemetry) -> None:
    """Results that do not fit into what may wait are counted all the same."""
    model = test_classes.Says(np.arange(rows) % 3)
    for _ in range(CALLS):
        model.predict(X)
    assert sum(test_classes.counted(telemetry).values()) == CALLS * rows


def test_rows_of_results_that_are_not_counted(telemetry: Telemetry) -> None:
    """The samples of regressions and transformers are counted, of one row and of many."""
    regression, scaler = LinearRegression().fit(X, Y), StandardScaler().fit(X)
    for _ in range(CALLS):
        for rows in (X, X[:1]):
            regression.predict(rows)
            scaler.transform(rows)
    assert telemetry.total("ml.inference.samples") == 2 * CALLS * (len(X) + 1)
    assert not telemetry.points("ml.inference.predictions")


class Scaled(ClassifierMixin, BaseEstimator):
    """Its method takes more than a table."""

    classes_ = np.array([0, 1])

    def predict(self, X: Any, scale: float = 1.0, *, shift: float = 0.0) -> Any:
        return (np.asarray(X)[:, 0] * scale + shift > 0).astype(int)


def ways(model: Scaled) -> Iterator[Any]:
    """One call, in every way that Python allows."""
    yield model.predict(X)
    yield model.predict(X=X)
    yield model.predict(X, 1.0)
    yield model.predict(X, scale=1.0)
    yield model.predict(X, 1.0, shift=0.0)
    yield model.predict(shift=0.0, X=X)
    yield Scaled.predict(model, X)
    yield Scaled.predict(self=model, X=X)


def test_arguments_in_every_way(telemetry: Telemetry) -> None:
    """By position or by keyword, the host's method gets what it was given, and the call is counted."""
    model = Scaled()
    expected = model.predict(X)
    for result in ways(model):
        np.testing.assert_array_equal(result, expected)
    assert sum(test_classes.counted(telemetry).values()) >= 8 * len(X)


@pytest.mark.parametrize("args", [(), (Scaled(),), (Scaled(), X, 1.0, 2.0)])
def test_wrong_arguments(args: tuple[Any, ...]) -> None:
    """What Python says of wrong arguments names the host's method, as it does without otelml."""
    Scaled().predict(X)
    with pytest.raises(TypeError, match=r"Scaled\.predict\(\)|^predict\(\)"):
        Scaled.predict(*args)


def test_a_call_in_the_middle_of_counting(telemetry: Telemetry) -> None:
    """Host code that runs while calls are counted, as a signal handler does, may call the model itself."""

    class Label:
        calls = 0

        def __hash__(self) -> int:
            if Label.calls < 400:
                Label.calls += 1
                model.predict(X)
            return 1

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Label)

        def __str__(self) -> str:
            return "label"

    model = test_classes.Says(np.array([Label()], dtype=object))
    for _ in range(600):
        model.predict(X)
    assert telemetry.total("ml.inference.calls") == 1000
    assert Label.calls == 400
    assert test_classes.counted(telemetry) == {"label": 1000}
