"""Inputs of every kind: nothing is converted or consumed, and their size is told where it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import X
from tests.support.telemetry import Telemetry


class Identity(ClassifierMixin, BaseEstimator):
    """Returns its input, whatever it is, and keeps it."""

    def predict(self, X: Any) -> Any:
        self.seen = X
        return X


class Unread:
    """An input that fails when anything but its identity is used."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return Unread
        raise RuntimeError(f"{name} was read")


class OddShape:
    """An input whose shape is no tuple of numbers."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2026-01-01", None])})
STRUCTURED = np.zeros(4, dtype=[("a", "f8"), ("b", "U3")])
INPUTS: dict[str, tuple[Any, int | None, int | None]] = {
    "array": (X, 60, 3),
    "row": (X[:1], 1, 3),
    "1-d": (X[0], 3, None),
    "0-d": (np.array(1.0), None, None),
    "3-d": (np.zeros((2, 3, 4)), 2, None),
    "empty": (X[:0], 0, 3),
    "empty, 1-d": (np.array([]), 0, None),
    "objects": (np.array([[None, "a"], [{}, 1.5]], dtype=object), 2, 2),
    "structured": (STRUCTURED, 4, None),
    "masked": (np.ma.masked_invalid([[1.0, np.nan]]), 1, 2),
    "matrix": (X[:2].view(), 2, 3),
    "list of lists": ([[1.0, 2.0], [3.0, 4.0]], 2, 2),
    "list of tuples": ([(1.0, 2.0)], 1, 2),
    "list of arrays": ([X[0], X[1]], 2, None),
    "list of strings": (["one", "two", "three"], 3, None),
    "list of dicts": ([{"a": 1}], 1, None),
    "empty list": ([], 0, None),
    "tuple": (((1, 2), (3, 4), (5, 6)), 3, 2),
    "ragged": ([[1], [1, 2]], 2, 1),
    "csr": (scipy.sparse.csr_array(X), 60, 3),
    "csc matrix": (scipy.sparse.csc_matrix(X), 60, 3),
    "pandas": (FRAME, 2, 3),
    "pandas strings": (pd.DataFrame({"a": pd.array(["x", "y"], dtype="string")}), 2, 1),
    "pandas series": (pd.Series([1.0, 2.0]), 2, None),
    "empty pandas": (FRAME[:0], 0, 3),
    "polars": (pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}), 3, 2),
    "polars lazy": (pl.LazyFrame({"a": [1, 2, 3]}), None, None),
    "string": ("text", None, None),
    "bytes": (b"text", None, None),
    "none": (None, None, None),
    "dict": ({"a": [1, 2]}, None, None),
    "set": ({1, 2}, None, None),
    "range": (range(5), None, None),
    "number": (5, None, None),
    "no numbers": (OddShape(("a", "b")), None, None),
    "shape of floats": (OddShape((2.0, 3.0)), None, None),
    "shape is a list": (OddShape([2, 3]), None, None),
    "shape is empty": (OddShape(()), None, None),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("kind", INPUTS)
def test_input(kind: str, telemetry: Telemetry) -> None:
    """The estimator gets the same object, and the call counts with the size that the input tells."""
    data, rows, features = INPUTS[kind]
    estimator = Identity()
    assert estimator.predict(data) is data
    assert estimator.seen is data
    span = telemetry.span("predict Identity")
    assert span.attributes.get(names.ML_INFERENCE_BATCH_SIZE) == rows
    assert span.attributes.get(names.ML_INPUT_FEATURE_COUNT) == features
    assert telemetry.total("ml.inference.calls") == 1
    assert telemetry.total("ml.inference.samples") == (rows or 0)


@pytest.mark.usefixtures("hooked")
def test_generator_is_not_consumed(telemetry: Telemetry) -> None:
    """A generator reaches the estimator from its first item on."""

    def words() -> Iterator[str]:
        yield from ("aa bb", "bb cc", "cc")

    estimator = Identity()
    generator = words()
    assert estimator.predict(generator) is generator
    assert next(generator) == "aa bb"
    assert CountVectorizer().fit_transform(words()).shape == (3, 3)
    assert telemetry.total("ml.inference.calls") == 1
    assert telemetry.total("ml.training.runs") == 1


@pytest.mark.usefixtures("hooked")
def test_no_input_at_all(telemetry: Telemetry) -> None:
    """Calls without arguments, or with other ones than the table says, are the estimator's affair."""

    class Free(BaseEstimator):
        def predict(self, *, data: Any = None) -> Any:
            return data

        def score(self, *numbers: float) -> float:
            return sum(numbers)

    assert Free().predict() is None
    assert Free().predict(data=[1]) == [1]
    assert Free().score(1.0, 2.0) == 3.0
    with pytest.raises(TypeError, match="unexpected keyword argument 'X'"):
        Free().predict(X=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'X'"):
        Identity().predict()  # type: ignore[call-arg]
    assert telemetry.total("ml.inference.calls") == 4


@pytest.mark.usefixtures("hooked", "contained_faults")
def test_input_that_cannot_be_looked_at(telemetry: Telemetry) -> None:
    """An input that fails when it is looked at reaches the estimator, and the call counts."""
    data = Unread()
    assert Identity().predict(data) is data
    assert Identity().predict(data) is data
    assert telemetry.total("ml.inference.calls") == 2
    assert len(telemetry.spans) == 2


@pytest.mark.usefixtures("hooked")
def test_real_pipelines_on_frames_and_texts(telemetry: Telemetry) -> None:
    """Frames of strings and lists of texts go through scikit-learn's own encoders, and are counted."""
    colours = pd.DataFrame({"colour": pd.array(["red", "blue", "red", "green"], dtype="string")})
    labels = pd.Series(["a", "b", "a", "b"])
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(colours, labels)
    assert list(encoded.predict(colours)) == ["a", "b", "a", "b"]
    texts = ["good day", "bad day", "good night", "bad night"]
    tfidf = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)
    assert list(tfidf.predict(texts)) == ["a", "b", "a", "b"]
    assert telemetry.total("ml.inference.samples") == 8
    assert telemetry.total("ml.inference.predictions", {names.ML_PREDICTION_CLASS: "a"}) == 4


def _conversions(_: Any) -> Any:
    raise AssertionError("the input was converted")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_are_not_converted(
    library: str, telemetry: Telemetry, instrument: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking at a frame costs no conversion, whatever its size."""
    frame: Any = pd.DataFrame(X) if library == "pandas" else pl.DataFrame(X)
    estimator = Identity()
    instrument()
    for name in ("to_numpy", "__array__", "__len__", "__iter__"):
        if hasattr(type(frame), name):
            monkeypatch.setattr(type(frame), name, _conversions)
    estimator.predict(frame)
    assert telemetry.total("ml.inference.samples") == 60
