"""Passes over the data: epochs, and validation between them."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from tests.instrumentation.torch.training.loops import FEATURES, Net, loader, sgd, train
from tests.support.telemetry import Telemetry


def test_each_epoch_is_told(telemetry: Telemetry) -> None:
    """An epoch has an event and a span with the mean of its losses, and its duration is recorded."""
    net = Net()
    losses = train(net, loader(), sgd(net), epochs=2)
    events = [event for event in telemetry.events if event.name == "ml.training.epoch.result"]
    assert [event.attributes["ml.training.epoch.index"] for event in events] == [0, 1]
    assert events[0].attributes["ml.training.loss.value"] == pytest.approx(sum(losses[:3]) / 3)
    assert events[1].attributes["ml.training.loss.value"] == pytest.approx(sum(losses[3:]) / 3)
    spans = [span for span in telemetry.spans if span.name == "train_epoch Net"]
    root = telemetry.span("train Net")
    assert [span.links for span in spans] == [(root.span_id,)] * 2
    assert [event.span_id for event in events] == [root.span_id] * 2
    assert telemetry.point("ml.training.epoch.duration").count == 2


def test_pass_that_is_left_early_is_no_epoch(telemetry: Telemetry) -> None:
    """A loop that takes two batches and breaks has not completed an epoch."""
    net = Net()
    train(net, itertools.islice(loader(), 2), sgd(net))
    assert telemetry.point("ml.training.steps").value == 2
    assert telemetry.points("ml.training.epochs") == []


def test_loader_that_looks_ahead(telemetry: Telemetry) -> None:
    """A wrapper that draws the next batch first, to know the last one, ends the epoch with the last batch's step."""

    def looking_ahead() -> object:
        batches = iter(loader())
        batch = next(batches)
        for following in batches:
            yield batch
            batch = following
        yield batch

    net = Net()
    losses = train(net, looking_ahead(), sgd(net))  # type: ignore[arg-type]
    assert telemetry.point("ml.training.epochs").value == 1
    event = telemetry.event("ml.training.epoch.result")
    assert event.attributes["ml.training.loss.value"] == pytest.approx(sum(losses) / 3)


def test_second_loader_that_starts_again(telemetry: Telemetry) -> None:
    """A smaller loader that is started again within the pass over the first makes no epochs of its own."""
    net = Net()
    optimizer = sgd(net)
    other = iter(loader(8, 4))
    for x, y in loader(40, 8):
        try:
            more, _ = next(other)
        except StopIteration:
            other = iter(loader(8, 4))
            more, _ = next(other)
        optimizer.zero_grad()
        (nn.functional.cross_entropy(net(x), y) + net(more).mean()).backward()
        optimizer.step()
    assert telemetry.point("ml.training.epochs").value == 1
    assert telemetry.point("ml.training.steps").value == 5


def test_workers_that_stay_alive(telemetry: Telemetry) -> None:
    """A loader whose workers stay alive has one iterator for all epochs; the workers themselves report nothing."""
    net = Net()
    train(net, loader(num_workers=1, persistent_workers=True), sgd(net), epochs=2)
    assert telemetry.point("ml.training.epochs").value == 2
    assert telemetry.point("ml.training.samples").value == 40


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_validation_pass_is_an_evaluation(telemetry: Telemetry, context: type[torch.no_grad]) -> None:
    """The pass counts once, with its samples and the mean of its losses, and not as training or inference."""
    net, batches, criterion = Net(), loader(), nn.CrossEntropyLoss()
    optimizer = sgd(net)
    seen = []
    for _ in range(2):
        train(net, batches, optimizer)
        net.eval()
        with context():
            seen.append([criterion(net(x), y).item() for x, y in loader(10, 5)])
    assert telemetry.point("ml.evaluation.runs").value == 2
    assert telemetry.point("ml.evaluation.time").value > 0
    spans = [span for span in telemetry.spans if span.name == "evaluate Net"]
    assert [span.attributes["ml.evaluation.sample.count"] for span in spans] == [10, 10]
    loss = telemetry.point("ml.training.loss", {"ml.dataset.split": "validation"})
    assert loss.value == pytest.approx(sum(seen[1]) / 2)
    assert telemetry.point("ml.training.samples").value == 40
    assert telemetry.point("ml.training.epochs").value == 2
    assert telemetry.points("ml.inference.calls") == []


def test_validation_without_a_loader(telemetry: Telemetry) -> None:
    """A forward without gradients between two epochs is a validation pass of its own."""
    net = Net()
    optimizer = sgd(net)
    for _ in range(2):
        train(net, loader(), optimizer)
        net.eval()
        with torch.no_grad():
            net(torch.randn(7, FEATURES))
    train(net, loader(), optimizer)
    assert telemetry.point("ml.evaluation.runs").value == 2
    assert {span.attributes["ml.evaluation.sample.count"] for span in telemetry.spans if "evaluate" in span.name} == {7}


def test_batches_of_a_loop_that_predicts_are_not_trained_on(telemetry: Telemetry) -> None:
    """What was loaded for predictions before the first step is no sample, and no time, of the training."""
    net = Net()
    net.eval()
    with torch.no_grad():
        for x, _ in loader(100, 10):
            net(x)
    train(net, loader(), sgd(net))
    assert telemetry.point("ml.training.samples").value == 20
    assert telemetry.point("ml.training.epochs").value == 1
