"""Classes and scores of modules that were described as classifiers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import otelml
from otelml.semconv import attributes as names
from tests.instrumentation.torch.conftest import Instrument
from tests.instrumentation.torch.modules import ROWS, Fixed, infer
from tests.support.telemetry import Telemetry

LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 3.0, 0.0]])


def _classes(telemetry: Telemetry) -> dict[str, float]:
    points = telemetry.points("ml.inference.predictions")
    return {point.attributes[names.ML_PREDICTION_CLASS]: point.value for point in points}


def _scores(telemetry: Telemetry) -> dict[str, float]:
    points = telemetry.points("ml.prediction.scores")
    return {point.attributes[names.ML_PREDICTION_SCORE_BIN]: point.value for point in points}


def _single(last: nn.Module) -> nn.Module:
    model = nn.Sequential(nn.Identity(), last)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.tensor(1.0 if parameter.dim() > 1 else 0.0).expand_as(parameter))
    return model


NAN = torch.tensor([[float("nan"), 1.0, 0.0], [0.0, 2.0, 0.0]])
CASES: dict[str, tuple[nn.Module, Tensor, dict[str, int], dict[str, int]]] = {
    "logits": (Fixed(LOGITS), ROWS, {"0": 1, "1": 2}, {"0.8": 2, "0.95": 1}),
    "probabilities": (Fixed(LOGITS.softmax(1)), ROWS, {"0": 1, "1": 2}, {"0.8": 2, "0.95": 1}),
    "log probabilities": (Fixed(LOGITS.log_softmax(1)), ROWS, {"0": 1, "1": 2}, {"0.8": 2, "0.95": 1}),
    "two classes": (Fixed(torch.tensor([[0.25, 0.75], [0.92, 0.08]])), ROWS, {"0": 1, "1": 1}, {"0.75": 1, "0.1": 1}),
    "half precision": (Fixed(LOGITS.to(torch.bfloat16)), ROWS, {"0": 1, "1": 2}, {"0.8": 2, "0.95": 1}),
    "labels": (Fixed(torch.tensor([1, 1, 0])), ROWS, {"0": 1, "1": 2}, {}),
    "one logit": (_single(nn.Linear(1, 1)), torch.tensor([[3.0], [-3.0]]), {"0": 1, "1": 1}, {"1": 1, "0.05": 1}),
    "one probability": (_single(nn.Sigmoid()), torch.tensor([[3.0], [-3.0]]), {"0": 1, "1": 1}, {"1": 1, "0.05": 1}),
    "one of either": (Fixed(torch.tensor([[0.3], [0.6]])), ROWS, {}, {}),
    "not a number": (Fixed(NAN), ROWS, {"1": 1}, {"NaN": 1, "0.8": 1}),
    "of a result object": (Fixed(SimpleNamespace(logits=LOGITS)), ROWS, {"0": 1, "1": 2}, {"0.8": 2, "0.95": 1}),
    "no scores": (Fixed("text"), ROWS, {}, {}),
    "a map": (Fixed(torch.zeros(2, 3, 4, 4)), ROWS, {}, {}),
    "empty": (Fixed(LOGITS[:0]), ROWS, {}, {}),
    "meta": (Fixed(LOGITS.to("meta")), ROWS, {}, {}),
}


@pytest.mark.parametrize("budget", [0, 1])
@pytest.mark.parametrize(("model", "rows", "classes", "scores"), CASES.values(), ids=CASES.keys())
def test_classes_and_scores(
    model: Any,
    rows: Tensor,
    classes: dict[str, int],
    scores: dict[str, int],
    budget: int,
    instrument: Instrument,
    telemetry: Telemetry,
) -> None:
    """The likeliest class and its probability, recorded or not; nothing where what the result means can't be told."""
    instrument(overhead_budget=budget)
    otelml.describe(model, task="classification")
    for _ in range(3):
        infer(model, rows)
    assert _classes(telemetry) == {label: 3 * count for label, count in classes.items()}
    assert _scores(telemetry) == {bin_: 3 * count for bin_, count in scores.items()}
    assert telemetry.total("ml.inference.samples") == 3 * len(rows)


@pytest.mark.usefixtures("hooked")
def test_nothing_is_counted_unasked(telemetry: Telemetry) -> None:
    """A module that nobody described as a classifier is not taken for one."""
    infer(Fixed(LOGITS), ROWS)
    infer(otelml.describe(Fixed(LOGITS), task="regression"), ROWS)
    assert not telemetry.points("ml.inference.predictions")
    assert not telemetry.points("ml.prediction.scores")


@pytest.mark.usefixtures("hooked")
def test_result_is_untouched(telemetry: Telemetry) -> None:
    """The result still belongs to the graph of gradients, and its version is the same."""
    model = otelml.describe(nn.Linear(4, 3), task="classification").eval()
    result = model(ROWS)
    assert result.grad_fn is not None
    assert result._version == 0
    result.sum().backward()
    assert _classes(telemetry)
