"""Accelerate's own door: what an application logs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from otelml.instrumentation.accelerate import AccelerateInstrumentor
from otelml.instrumentation.torch import TorchInstrumentor
from tests.instrumentation.torch.training.loops import Net, loader, sgd
from tests.support.telemetry import Telemetry

pytestmark = pytest.mark.filterwarnings("ignore")  # of Accelerate, about what the CPU lacks


@pytest.fixture(autouse=True)
def instrumented(telemetry: Telemetry) -> Iterator[None]:
    """Accelerate and PyTorch under the hook."""
    torch.manual_seed(0)
    AccelerateInstrumentor().instrument(**telemetry.providers)
    TorchInstrumentor().instrument(**telemetry.providers)
    yield
    TorchInstrumentor().uninstrument()
    AccelerateInstrumentor().uninstrument()


def test_logged_metrics_and_the_loop_are_one_run(telemetry: Telemetry) -> None:
    """The scores that are logged and the steps of the loop bear the same model and run; the loss is told once."""
    telemetry.allow("ml.training.hyperparameter.*", "ml.evaluation.name")
    accelerator = Accelerator(cpu=True)
    accelerator.init_trackers("digits", config={"lr": 0.1})
    net = Net()
    net, optimizer, batches = accelerator.prepare(net, sgd(net), loader())
    for _ in range(2):
        for x, y in batches:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            accelerator.backward(loss)
            optimizer.step()
            accelerator.log({"train_loss": 7.0, "learning_rate": 0.1})
        accelerator.log({"val_accuracy": 0.9, "note": "text"})
    accelerator.end_training()
    root = telemetry.span("train Net")
    assert root.attributes["ml.training.run.name"] == "digits"
    assert root.attributes["ml.training.hyperparameter.lr"] == "0.1"
    assert telemetry.point("ml.training.steps").value == 6
    assert telemetry.point("ml.training.samples").value == 40
    assert telemetry.point("ml.training.epochs").value == 2
    assert telemetry.point("ml.training.loss").value == pytest.approx(loss.item())
    score = telemetry.point("ml.evaluation.score")
    assert score.value == 0.9
    assert score.attributes == {
        "ml.model.name": "Net",
        "ml.dataset.split": "validation",
        "ml.evaluation.name": "accuracy",
    }
    assert telemetry.point("ml.training.runs").value == 1
