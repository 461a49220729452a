"""The training examples, as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.programs import ROOT, environment, run
from tests.support.endpoint import OtlpEndpoint

EXAMPLES = ROOT / "examples"
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_plot_is_read_back_from_the_telemetry(tmp_path: Path) -> None:
    """The plain loop runs under the launcher, and every step of it arrives in the windows that are plotted."""
    plot = tmp_path / "training.png"
    done = run(
        EXAMPLES / "train_torch" / "plot.py",
        *("--plot", str(plot), "--epochs", "2", "--output", str(tmp_path)),
        env=environment(ONE_THREAD),
        timeout=300,
    )
    # 1,438 of 1,797 digits in batches of 32, twice.
    assert done.stdout.splitlines()[-1] == f"90 steps and 2876 samples in 4 windows: {plot}"
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_plain_loop_is_told_whole(otlp_endpoint: OtlpEndpoint, tmp_path: Path) -> None:
    """Run, windows, epochs, evaluations and the checkpoint of the example arrive, and it learns."""
    program = EXAMPLES / "train_torch" / "train.py"
    run(
        program,
        *("--epochs", "2", "--output", str(tmp_path)),
        env=environment(otlp_endpoint.environment, ONE_THREAD),
        launched=True,
        timeout=300,
    )
    assert otlp_endpoint.point("ml.training.steps", {"ml.model.name": "Digits"}).value == 90
    assert otlp_endpoint.point("ml.training.epochs").value == 2
    assert otlp_endpoint.point("ml.training.runs").value == 1
    assert otlp_endpoint.point("ml.evaluation.runs").value == 2
    assert otlp_endpoint.event("ml.training.checkpoint").attributes["ml.training.step.index"] == 90
    epochs = [event for event in otlp_endpoint.events if event.name == "ml.training.epoch.result"]
    losses = [event.attributes["ml.training.loss.value"] for event in epochs]
    assert losses[1] < losses[0]
    assert otlp_endpoint.span("train Digits").attributes["ml.training.optimizer.name"] == "AdamW"


@pytest.mark.slow
def test_lightning_example(otlp_endpoint: OtlpEndpoint, tmp_path: Path) -> None:
    """Under the launcher, Lightning finds the callback by itself, and what it logs arrives beside the loop's steps."""
    pytest.importorskip("lightning")
    otlp_endpoint.allow("ml.evaluation.name", "ml.training.hyperparameter.*")
    run(
        EXAMPLES / "train_lightning" / "train.py",
        *("--epochs", "2"),
        env=environment(otlp_endpoint.environment, ONE_THREAD),
        launched=True,
        timeout=300,
    )
    assert otlp_endpoint.point("ml.training.steps", {"ml.model.name": "Digits"}).value == 90
    assert otlp_endpoint.point("ml.training.epochs").value == 2
    score = otlp_endpoint.point("ml.evaluation.score", {"ml.dataset.split": "validation"})
    assert score.attributes["ml.evaluation.name"] == "accuracy"
    assert 0 < score.value <= 1


FORKED = """
import multiprocessing
import torch
from torch import nn

def work(number):
    torch.set_num_threads(1)
    net = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        net(torch.randn(5, 4)).sum().backward()
        optimizer.step()

if __name__ == "__main__":
    work(0)
    children = [multiprocessing.get_context("fork").Process(target=work, args=(it,)) for it in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
"""


@pytest.mark.slow
def test_forked_children_train_for_themselves(otlp_endpoint: OtlpEndpoint) -> None:
    """Each process counts its own steps from zero, and its run ends with it."""
    run(FORKED, env=environment(otlp_endpoint.environment, ONE_THREAD), launched=True)
    assert sorted(point.value for point in otlp_endpoint.points("ml.training.steps")) == [3, 3, 3]
    assert sorted(point.value for point in otlp_endpoint.points("ml.training.runs")) == [1, 1, 1]
    assert len([span for span in otlp_endpoint.spans if span.name == "train_window Linear"]) == 3
