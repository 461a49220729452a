"""Lightning's own door: what a trainer logs, its epochs and its validation passes."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from otelml.instrumentation.lightning import LightningInstrumentor
from otelml.instrumentation.torch import TorchInstrumentor
from tests.support.telemetry import Telemetry

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Lightning warns about small loaders, missing loggers and much else
]


class Classifier(LightningModule):
    """A module as Lightning's guide writes it."""

    def __init__(self, lr: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(x)
        return logits

    def training_step(self, batch: Any, index: int) -> Tensor:
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        self.log("margin", 0.25)
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        logits = self(batch[0])
        self.log("val_loss", nn.functional.cross_entropy(logits, batch[1]))
        self.log("accuracy", (logits.argmax(1) == batch[1]).float().mean())

    def test_step(self, batch: Any, index: int) -> None:
        self(batch[0])
        self.log("test_acc", 0.75)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])


def loader(samples: int = 24) -> DataLoader:
    """Batches of 8 samples."""
    return DataLoader(TensorDataset(torch.randn(samples, 4), torch.randint(0, 2, (samples,))), batch_size=8)


def trainer(folder: Path, **options: Any) -> Trainer:
    """A trainer that prints nothing, of a program that knows nothing about telemetry."""
    defaults = {"max_epochs": 2, "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(accelerator="cpu", default_root_dir=folder, **{**defaults, **options})


@pytest.fixture(params=[True, False], ids=["with the loop's hooks", "without"])
def with_loop(request: pytest.FixtureRequest, telemetry: Telemetry) -> Iterator[bool]:
    """Lightning under the hook, with and without PyTorch's."""
    LightningInstrumentor().instrument(**telemetry.providers)
    if request.param:
        TorchInstrumentor().instrument(**telemetry.providers)
    try:
        yield request.param
    finally:
        if request.param:
            TorchInstrumentor().uninstrument()
        LightningInstrumentor().uninstrument()


def test_fit_is_one_run(telemetry: Telemetry, with_loop: bool, tmp_path: Path) -> None:
    """Epochs, validation passes and logged metrics are told once each; steps come from the loop's hooks alone."""
    telemetry.allow("ml.training.hyperparameter.*", "ml.evaluation.name")
    fitted = trainer(tmp_path, enable_checkpointing=False)
    fitted.fit(Classifier(), loader(), loader(8))
    about = {"ml.model.name": "Classifier"}
    assert telemetry.point("ml.training.epochs", about).value == 2
    assert telemetry.point("ml.evaluation.runs", about).value == 2
    assert telemetry.point("ml.training.runs", about).value == 1
    assert telemetry.span("train Classifier").attributes["ml.training.epoch.count"] == 2
    assert telemetry.span("train Classifier").attributes["ml.training.hyperparameter.lr"] == "0.1"
    logged = fitted.callback_metrics
    loss = telemetry.point("ml.training.loss", {"ml.dataset.split": "validation"})
    assert loss.value == pytest.approx(float(logged["val_loss"]))
    scores = {
        (point.attributes["ml.dataset.split"], point.attributes["ml.evaluation.name"]): point.value
        for point in telemetry.points("ml.evaluation.score")
    }
    assert scores == {
        ("validation", "accuracy"): pytest.approx(float(logged["accuracy"])),
        ("train", "margin"): 0.25,
    }
    assert len(telemetry.points("ml.training.loss", {"ml.dataset.split": "train"})) == 1
    assert telemetry.total("ml.training.steps") == (6 if with_loop else 0)
    assert telemetry.total("ml.training.samples") == (48 if with_loop else 0)
    # Lightning tries the validation out before it trains: one batch, when nothing is trained yet, and no traffic.
    assert telemetry.points("ml.inference.calls") == []


def test_test_pass_is_an_evaluation(telemetry: Telemetry, with_loop: bool, tmp_path: Path) -> None:
    """`Trainer.test` is an evaluation of the test split, and no training step."""
    telemetry.allow("ml.training.hyperparameter.*", "ml.evaluation.name")
    trainer(tmp_path).test(Classifier(), loader(8))
    score = telemetry.point("ml.evaluation.score")
    assert (score.attributes["ml.dataset.split"], score.value) == ("test", 0.75)
    assert telemetry.points("ml.training.steps") == []
    assert telemetry.points("ml.inference.calls") == []


def test_what_is_served_after_a_pass(telemetry: Telemetry, with_loop: bool, tmp_path: Path) -> None:
    """Calls after a pass, or after one that raised, are traffic again; so are those of other threads meanwhile."""
    telemetry.allow("ml.training.hyperparameter.*", "ml.evaluation.name")
    served = nn.Linear(4, 2).eval()

    def serve() -> None:
        with torch.inference_mode():
            served(torch.ones(1, 4))

    class Failing(Classifier):
        def test_step(self, batch: Any, index: int) -> None:
            thread = threading.Thread(target=serve)
            thread.start()
            thread.join()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trainer(tmp_path).test(Failing(), loader(8))
    serve()
    assert sum(point.value for point in telemetry.points("ml.inference.calls")) == (2 if with_loop else 0)


def test_error_in_a_step(telemetry: Telemetry, with_loop: bool, tmp_path: Path) -> None:
    """The application gets its error, and the run has its type."""
    telemetry.allow("ml.training.hyperparameter.*", "ml.evaluation.name")

    class Failing(Classifier):
        def training_step(self, batch: Any, index: int) -> Tensor:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trainer(tmp_path, enable_checkpointing=False, num_sanity_val_steps=0).fit(Failing(), loader())
    assert telemetry.total("ml.training.epochs") == 0


@pytest.mark.usefixtures("with_loop")
def test_trainer_is_as_before(tmp_path: Path) -> None:
    """The callback can be pickled and copied, and leaves nothing in a checkpoint."""
    made = trainer(tmp_path)
    ours = [callback for callback in made.callbacks if type(callback).__module__.startswith("otelml.")]
    assert len(ours) == 1
    assert type(pickle.loads(pickle.dumps(ours[0]))) is type(ours[0])
    copy.deepcopy(ours[0])
    assert ours[0].state_dict() == {}


def test_switched_off(tmp_path: Path) -> None:
    """Without the instrumentation a trainer gets no callback of ours."""
    made = trainer(tmp_path)
    assert [it for it in made.callbacks if type(it).__module__.startswith("otelml.")] == []
