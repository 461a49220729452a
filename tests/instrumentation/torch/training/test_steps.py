"""What is counted of each step."""

from __future__ import annotations

from time import perf_counter

import pytest
import torch
from torch import Tensor, nn

from tests.instrumentation.torch.training.loops import FEATURES, Net, loader, sgd, train
from tests.support.telemetry import Telemetry

MODEL = {"ml.model.name": "Net", "ml.system.name": "pytorch"}
PHASES = ("data_wait", "forward", "backward", "optimizer", "other")


def test_a_plain_loop_is_counted_exactly(telemetry: Telemetry) -> None:
    """Steps, samples, backward passes and epochs are those of the loop; nothing is inferred as inference."""
    net = Net()
    losses = train(net, loader(), sgd(net), epochs=3)
    assert telemetry.point("ml.training.steps").value == 9
    assert telemetry.point("ml.training.steps").attributes == MODEL
    assert telemetry.point("ml.training.samples").value == 60
    assert telemetry.point("ml.training.microbatches").value == 9
    assert telemetry.point("ml.training.epochs").value == 3
    assert telemetry.point("ml.training.loss", {"ml.dataset.split": "train"}).value == losses[-1]
    assert telemetry.point("ml.training.learning_rate").value == 0.1
    assert telemetry.point("ml.training.step.duration").count == 9
    assert telemetry.points("ml.inference.calls") == []
    assert telemetry.points("ml.training.tokens") == []


def test_time_by_phase_adds_up_to_the_time_of_the_loop(telemetry: Telemetry) -> None:
    """Every phase has time, and their sum is the loop's time but for its beginning and its end."""
    net, batches = Net(), loader(200, 2)
    began = perf_counter()
    train(net, batches, sgd(net))
    whole = perf_counter() - began
    spent = {point.attributes["ml.training.phase"]: point.value for point in telemetry.points("ml.training.time")}
    assert set(spent) == set(PHASES)
    assert all(value > 0 for value in spent.values())
    assert sum(spent.values()) <= whole
    assert sum(spent.values()) > 0.5 * whole


def test_slow_phases_are_told_apart(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes in a phase is counted for that phase, by a clock that the test moves on."""
    now = 0

    def clock() -> int:
        return now

    def passing(seconds: int) -> None:
        nonlocal now
        now += seconds * 1_000_000_000

    monkeypatch.setattr("otelml.instrumentation.torch.training.runtime.perf_counter_ns", clock)

    class Slow(Net):
        def forward(self, x: Tensor) -> Tensor:
            passing(2)
            return super().forward(x)

    class Data(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Tensor:
            if index >= 3:
                raise IndexError
            passing(1)
            return torch.randn(FEATURES)

    class Optimizer(torch.optim.SGD):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            passing(4)

    net = Slow()
    optimizer = Optimizer(net.parameters(), lr=0.1)
    for batch in torch.utils.data.DataLoader(Data()):
        passing(16)  # such as a copy to a device
        loss = net(batch).sum()
        loss.register_hook(lambda _: passing(8))
        loss.backward()
        passing(32)
        optimizer.step()
        passing(64)
    spent = {point.attributes["ml.training.phase"]: point.value for point in telemetry.points("ml.training.time")}
    # The pause after the last update is not in any step.
    assert spent == {"data_wait": 3, "forward": 6, "backward": 24, "optimizer": 12, "other": 3 * 48 + 2 * 64}


def test_accumulated_gradients_make_one_step(telemetry: Telemetry) -> None:
    """A step of four backward passes counts the samples of all four."""
    net = Net()
    optimizer = sgd(net)
    for number, (x, y) in enumerate(loader(32, 2), 1):
        (nn.functional.cross_entropy(net(x), y) / 4).backward()
        if number % 4 == 0:
            optimizer.step()
            optimizer.zero_grad()
    assert telemetry.point("ml.training.steps").value == 4
    assert telemetry.point("ml.training.microbatches").value == 16
    assert telemetry.point("ml.training.samples").value == 32


def test_batches_made_by_hand_are_counted_at_the_model(telemetry: Telemetry) -> None:
    """Without a data loader, the samples are those that the model is called with."""
    net = Net()
    optimizer = sgd(net)
    x, y = torch.randn(30, FEATURES), torch.randint(0, 2, (30,))
    for at in range(0, 30, 10):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[at : at + 10]), y[at : at + 10]).backward()
        optimizer.step()
    assert telemetry.point("ml.training.samples").value == 30
    assert telemetry.points("ml.training.epochs") == []


def test_closure_optimizer_makes_one_step_a_call(telemetry: Telemetry) -> None:
    """LBFGS evaluates the model many times for one step on the same samples."""
    net = Net()
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=5)
    x, y = torch.randn(16, FEATURES), torch.randint(0, 2, (16,))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    assert telemetry.point("ml.training.steps").value == 2
    assert telemetry.point("ml.training.samples").value == 32
    assert telemetry.point("ml.training.microbatches").value > 2
    forward = telemetry.point("ml.training.time", {"ml.training.phase": "forward"})
    assert forward.value > 0


def test_two_optimizers_of_one_model_make_one_step(telemetry: Telemetry) -> None:
    """Where parts of a model have optimizers of their own, the update of all parts is one step."""
    net = Net()
    first = torch.optim.SGD(net.layers[0].parameters(), lr=0.1)
    second = torch.optim.Adam(net.layers[2].parameters(), lr=0.01)
    for x, y in loader():
        first.zero_grad()
        second.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        first.step()
        second.step()
    assert telemetry.point("ml.training.steps").value == 3
    assert telemetry.point("ml.training.samples").value == 20


@pytest.mark.parametrize("together", [False, True])
def test_adversarial_models_are_two_runs(telemetry: Telemetry, together: bool) -> None:
    """Generator and discriminator take steps of their own, also where both update after both backward passes."""

    class Generator(Net):
        pass

    class Discriminator(Net):
        pass

    generator, discriminator = Generator(), Discriminator()
    head = nn.Linear(2, FEATURES)
    generating = torch.optim.Adam([*generator.parameters(), *head.parameters()])
    discriminating = torch.optim.Adam(discriminator.parameters())
    for x, _ in loader(24, 8):
        fake = head(generator(torch.randn(8, FEATURES)))
        discriminating.zero_grad()
        (discriminator(x).mean() - discriminator(fake.detach()).mean()).backward()
        if not together:
            discriminating.step()
        generating.zero_grad()
        discriminator(fake).mean().backward()
        generating.step()
        if together:
            discriminating.step()
    steps = {point.attributes["ml.model.name"]: point.value for point in telemetry.points("ml.training.steps")}
    assert steps == {"Generator": 3, "Discriminator": 3}
    roots = {span.name for span in telemetry.spans if span.name.startswith("train ")}
    assert roots == {"train Generator", "train Discriminator"}


def test_teacher_of_a_student_is_not_trained(telemetry: Telemetry) -> None:
    """In distillation, the calls of the teacher are inference and the student's are training."""

    class Teacher(Net):
        pass

    teacher, student = Teacher().eval(), Net()
    optimizer = sgd(student)
    for x, _ in loader():
        with torch.no_grad():
            target = teacher(x)
        optimizer.zero_grad()
        nn.functional.mse_loss(student(x), target).backward()
        optimizer.step()
    assert telemetry.point("ml.training.steps").attributes == MODEL
    calls = telemetry.point("ml.inference.calls")
    assert (calls.attributes["ml.model.name"], calls.value) == ("Teacher", 3)


def test_tokens_are_counted_where_the_model_takes_tokens(telemetry: Telemetry) -> None:
    """The tokens are those of the argument that is called as tokens are, given by position or by name."""

    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(10, 2)

        def forward(self, input_ids: Tensor, scale: float = 1.0) -> Tensor:
            out: Tensor = self.embed(input_ids).sum() * scale
            return out

    model = Language()
    optimizer = sgd(model)
    for by_name in (True, False):
        tokens = torch.randint(0, 10, (3, 7))
        (model(input_ids=tokens) if by_name else model(tokens)).backward()
        optimizer.step()
    assert telemetry.point("ml.training.tokens").value == 42
    assert telemetry.point("ml.training.samples").value == 6


def test_optimizer_that_calls_its_base(telemetry: Telemetry) -> None:
    """A subclass whose `step` calls the base's, both with PyTorch's hooks, takes one step a call."""

    class Own(torch.optim.SGD):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            super().step()

    sgd(Net())  # PyTorch puts the hooks on a class with its first instance
    net = Net()
    train(net, loader(), Own(net.parameters(), lr=0.1))
    assert telemetry.point("ml.training.steps").value == 3


def test_model_replaced_in_the_middle(telemetry: Telemetry) -> None:
    """A new model of the same class is a new run whose steps add up with the first one's."""
    for _ in range(2):
        net = Net()
        train(net, loader(), sgd(net))
    assert telemetry.point("ml.training.steps").value == 6
    assert len({span.attributes["ml.training.run.id"] for span in telemetry.spans if span.name == "train Net"}) == 2


def test_update_without_gradients_or_module(telemetry: Telemetry) -> None:
    """Parameters that no module owns are trained by a run without a model's name."""
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(2):
        (weight**2).sum().backward()
        optimizer.step()
    point = telemetry.point("ml.training.steps")
    assert (point.value, point.attributes) == (2, {"ml.system.name": "pytorch"})
