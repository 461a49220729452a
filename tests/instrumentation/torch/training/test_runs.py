"""The spans of a run, and what the application says about it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from opentelemetry import trace

import otelml
from otelml.instrumentation.torch import TorchInstrumentor
from otelml.settings import resolve
from tests.instrumentation.torch.training.loops import Net, loader, sgd, train
from tests.support.telemetry import Telemetry


def test_run_is_seen_while_it_runs(telemetry: Telemetry) -> None:
    """After the first step there is a span of the run, which says what is trained."""
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters())
    x, y = next(iter(loader()))
    torch.nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
    root = telemetry.span("train Net")
    assert root.attributes["ml.training.optimizer.name"] == "AdamW"
    assert root.attributes["ml.model.parameter.count"] == sum(it.numel() for it in net.parameters())
    assert root.attributes["ml.system.version"] == torch.__version__
    assert re.fullmatch("[0-9a-f]{32}", root.attributes["ml.training.run.id"])


@pytest.mark.parametrize("options", [{"training_window_steps": 4}])
def test_windows_are_linked_to_the_run(telemetry: Telemetry, instrumented: TorchInstrumentor) -> None:
    """Ten steps in windows of four make three spans, whose steps and samples add up, each in a trace of its own."""
    net = Net()
    losses = train(net, loader(80, 8), sgd(net))
    instrumented.uninstrument()
    root = telemetry.span("train Net")
    windows = [span for span in telemetry.spans if span.name == "train_window Net"]
    assert [span.attributes["ml.training.step.index"] for span in windows] == [0, 4, 8]
    assert [span.attributes["ml.training.step.count"] for span in windows] == [4, 4, 2]
    assert sum(span.attributes["ml.training.sample.count"] for span in windows) == 80
    assert windows[0].attributes["ml.training.loss.value"] == pytest.approx(sum(losses[:4]) / 4)
    assert all(span.links == (root.span_id,) for span in windows)
    assert len({span.trace_id for span in (root, *windows)}) == 4
    for phase in ("data_wait", "forward", "backward", "optimizer", "other"):
        counted = telemetry.point("ml.training.time", {"ml.training.phase": phase}).value
        told = sum(span.attributes[f"ml.training.phase_time.{phase}"] for span in windows)
        assert told == pytest.approx(counted)


@pytest.mark.parametrize("options", [{"training_window_steps": 2}])
def test_windows_inside_a_span_of_the_application(telemetry: Telemetry) -> None:
    """Where the application has a span, the run and its windows are below it."""
    net = Net()
    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("job"):
        train(net, loader(), sgd(net))
    job = telemetry.span("job")
    assert {span.parent_id for span in telemetry.spans if span.name != "job"} == {job.span_id}


def test_run_ends_when_the_hook_is_switched_off(telemetry: Telemetry, instrumented: TorchInstrumentor) -> None:
    """The run is counted with its duration, and nothing is seen from then on."""
    net = Net()
    train(net, loader(), sgd(net))
    assert telemetry.points("ml.training.runs") == []
    instrumented.uninstrument()
    assert telemetry.point("ml.training.runs").value == 1
    assert telemetry.point("ml.training.duration").count == 1
    train(net, loader(), sgd(net))
    assert telemetry.point("ml.training.steps").value == 3


def test_declared_run(telemetry: Telemetry) -> None:
    """What the application declares is on the run's span; the run ends with the block, and the name is the model's."""
    net = Net()
    with otelml.training(
        "sweep-7", model="digits", experiment="mnist", epochs=2, hyperparameters={"lr": 0.1, "layers": [1]}
    ) as run_id:
        train(net, loader(), sgd(net), epochs=2)
    root = telemetry.span("train digits")
    assert root.attributes["ml.training.run.id"] == run_id
    assert root.attributes["ml.training.run.name"] == "sweep-7"
    assert root.attributes["ml.experiment.name"] == "mnist"
    assert root.attributes["ml.training.epoch.count"] == 2
    assert root.attributes["ml.training.hyperparameter.lr"] == "0.1"
    assert "ml.training.hyperparameter.layers" not in root.attributes
    assert root.attributes["ml.model.architecture"] == "Net"
    telemetry.allow("ml.training.hyperparameter.*")
    assert telemetry.point("ml.training.runs").value == 1
    assert telemetry.span("train_window digits").attributes["ml.training.step.count"] == 6
    train(net, loader(), sgd(net))
    assert telemetry.point("ml.training.steps", {"ml.model.name": "Net"}).value == 3


def test_declared_run_that_fails(telemetry: Telemetry) -> None:
    """The error passes, and the run is counted with its type."""

    def fail() -> None:
        net = Net()
        with otelml.training():
            train(net, loader(), sgd(net))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert telemetry.point("ml.training.runs").attributes["error.type"] == "ZeroDivisionError"


def test_described_model(telemetry: Telemetry) -> None:
    """A run is named after what `describe` says of the model."""
    net = otelml.describe(Net(), name="digits", version=3)
    train(net, loader(), sgd(net))
    point = telemetry.point("ml.training.steps")
    assert (point.attributes["ml.model.name"], point.attributes["ml.model.version"]) == ("digits", "3")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name": ""}, ValueError),
        ({"name": 7}, TypeError),
        ({"model": "m" * 257}, ValueError),
        ({"epochs": 0}, ValueError),
        ({"epochs": 1.5}, TypeError),
        ({"hyperparameters": [1]}, TypeError),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    """Wrong arguments are refused before the block runs."""
    with pytest.raises(error), otelml.training(**arguments):
        pytest.fail("the block ran")


def test_sampled_out_below_the_application(telemetry: Telemetry) -> None:
    """Below a span that was sampled out there are no spans, and everything is counted."""
    context = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(0))
    net = Net()
    with trace.use_span(trace.NonRecordingSpan(context)):
        train(net, loader(), sgd(net))
    assert telemetry.spans == []
    assert telemetry.point("ml.training.steps").value == 3


def test_budget_of_nothing_keeps_the_counts(telemetry: Telemetry, instrumented: TorchInstrumentor) -> None:
    """With no budget no duration is recorded, and steps, samples and epochs are exact."""
    instrumented.configure(resolve({"overhead_budget": 0}, {}))
    net = Net()
    train(net, loader(200, 2), sgd(net))
    assert telemetry.points("ml.training.step.duration") == []
    assert telemetry.point("ml.training.steps").value == 100
    assert telemetry.point("ml.training.epochs").value == 1
