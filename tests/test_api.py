"""The public functions: what they take and refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import otelml
from otelml import api
from otelml.observations.model import MAX_NAME_LENGTH
from otelml.observations.profile import identity_in, profile_of
from otelml.semconv.attributes import ModelTask


def said(model: object) -> dict[str, Any]:
    """What has been said about a model."""
    return dict(identity_in(profile_of(model)))


def fitted() -> LogisticRegression:
    """A classifier of two features."""
    return LogisticRegression().fit(np.zeros((4, 2)), [0, 1, 0, 1])


def test_describe_returns_the_model() -> None:
    """The very model comes back, so that the call can stand in an expression."""
    model = fitted()
    assert otelml.describe(model, name="churn") is model


def test_what_is_said_stays_with_the_model() -> None:
    """Name, version, task and feature names survive pickle and deepcopy."""
    model = otelml.describe(
        fitted(),
        name="churn",
        version=7,
        task=ModelTask.CLASSIFICATION,
        feature_names=(name for name in ("age", "fee")),
    )
    expected = {"name": "churn", "version": "7", "task": "classification", "feature_names": ("age", "fee")}
    for it in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert {key: tuple(value) if key == "feature_names" else value for key, value in said(it).items()} == expected


def test_what_is_left_out_stays_as_it_was() -> None:
    """A second description replaces only what it says."""
    model = otelml.describe(fitted(), name="churn", version="1")
    otelml.describe(model, version="2")
    assert (said(model)["name"], said(model)["version"]) == ("churn", "2")


def test_longest_name() -> None:
    """A name may be as long as is said."""
    assert said(otelml.describe(fitted(), name="n" * MAX_NAME_LENGTH))["name"] == "n" * MAX_NAME_LENGTH


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "needs something to say"),
        ({"name": ""}, ValueError, "name has 0 characters: give 1 to 256"),
        ({"name": "n" * 10_000}, ValueError, "name has 10000 characters"),
        ({"name": b"churn"}, TypeError, "name must be a string, not bytes"),
        ({"name": 5}, TypeError, "name must be a string, not int"),
        ({"version": "v" * 257}, ValueError, "version has 257 characters"),
        ({"version": 1.5}, TypeError, "version must be a string, not float"),
        ({"task": "classify"}, ValueError, "task='classify' is unknown: expected one of anomaly_detection, "),
        ({"feature_names": ["a"]}, ValueError, "feature_names has 1 names, but the model takes 2 features"),
        ({"feature_names": "ab"}, TypeError, "feature_names must be strings, one for each input column"),
        ({"feature_names": [1, 2]}, TypeError, "feature_names must be strings"),
    ],
)
def test_wrong_description_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """What cannot be said is refused with a text that helps, and nothing is written."""
    model = fitted()
    with pytest.raises(error, match=message):
        otelml.describe(model, **arguments)
    assert profile_of(model) is None


def test_class_is_refused() -> None:
    """A class is no model, and describing it would describe all of its instances."""
    with pytest.raises(TypeError, match="takes a model, not the class LogisticRegression"):
        otelml.describe(LogisticRegression, name="churn")


@pytest.mark.parametrize("value", ["text", 5, None, object()])
def test_what_takes_no_attributes_is_refused(value: object) -> None:
    """An object that nothing can be written on is refused, not ignored."""
    with pytest.raises(TypeError, match=type(value).__name__):
        otelml.describe(value, name="churn")


def test_tasks_are_those_of_the_convention() -> None:
    """Every value of ml.model.task is one that describe takes."""
    assert {value for name, value in vars(ModelTask).items() if name.isupper()} == api._TASKS
    for task in api._TASKS:
        otelml.describe(fitted(), task=task)
