"""Programs that compile, export and trace modules."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import torch
import torch._dynamo
from torch import Tensor, nn

from tests.conformance.torch_programs import Program, Switch


class Block(nn.Module):
    """A module of modules."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.scale = width

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.relu(layer(x)) + x
        return x * self.scale


class Breaking(nn.Module):
    """A module that can't be compiled in one piece."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Block(), Block()

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        if y.sum().item() > 0:
            y = y + 1
        torch._dynamo.graph_break()
        return self.second(y)


ROWS = torch.linspace(-1, 1, 12).reshape(3, 4)


def compiled_before_enabling(enable: Switch, disable: Switch) -> Any:
    """A module that was compiled and called before otelml is on, called again with it, and after it is off."""
    model: Any = torch.compile(Block(), fullgraph=True, backend="eager")
    results = [model(ROWS)]
    enable()
    results.append(model(ROWS))
    disable()
    return [*results, model(ROWS)]


def compiled_after_enabling(enable: Switch, disable: Switch) -> Any:
    """A module compiled with otelml on, trained and used, and called after it is off."""
    enable()
    model: Any = torch.compile(Block(), fullgraph=True, backend="aot_eager")
    loss = model(ROWS).square().mean()
    loss.backward()
    results = [loss, [parameter.grad for parameter in model.parameters()]]
    model.eval()
    with torch.no_grad():
        results += [model(ROWS), model(ROWS)]
    disable()
    with torch.no_grad():
        return [*results, model(ROWS)]


def compiled_between(enable: Switch, disable: Switch) -> Any:
    """`torch.compile` before otelml is on, first call with it, and back and forth."""
    model: Any = torch.compile(Block(), fullgraph=True, backend="eager")
    results = []
    for switch in (enable, disable, enable):
        switch()
        results.append(model(ROWS))
    return results


def compiled_in_place(enable: Switch, disable: Switch) -> Any:
    """`Module.compile`, before and after otelml is on."""
    early, late = Block(), Block()
    early.compile(fullgraph=True, backend="eager")
    results = [early(ROWS)]
    enable()
    late.compile(fullgraph=True, backend="eager")
    return [*results, early(ROWS), late(ROWS), late(ROWS[:2]), late(ROWS[:1])]


def compiled_function(enable: Switch, disable: Switch) -> Any:
    """A function that calls modules, before, with and after otelml."""
    model, other = Block(), nn.Linear(4, 4)

    @torch.compile(fullgraph=True, backend="eager")
    def step(x: Tensor) -> Tensor:
        return model(other(x)) + other.__call__(x) + model.layers[0].forward(x)

    results = [step(ROWS)]
    for switch in (enable, disable):
        switch()
        results += [step(ROWS), step(ROWS)]
    return results


def many_compiled_modules(enable: Switch, disable: Switch) -> Any:
    """More modules than a function is compiled for: each is compiled as a function of its own."""
    enable()
    classes = [type(f"Own{number}", (Block,), {"forward": _copy(Block.forward)}) for number in range(12)]
    models = [made(number) for number, made in enumerate(classes)]
    compiled = [torch.compile(model.eval(), fullgraph=True, backend="eager") for model in models]
    return [model(ROWS) for model in compiled]


def _copy(function: Any) -> Any:
    return FunctionType(function.__code__.replace(), function.__globals__)


def graph_breaks(enable: Switch, disable: Switch) -> Any:
    """A module with graph breaks, compiled as a module and as part of a function, with and without gradients."""
    enable()
    torch.manual_seed(1)
    model, inner = torch.compile(Breaking(), backend="eager"), Breaking().eval()
    function = torch.compile(lambda x: inner(x) + 1, backend="eager")
    results = []
    for _ in range(25):  # past the calls that are always looked at
        with torch.no_grad():
            results += [model(ROWS), function(ROWS)]
    return [*results, model(ROWS), function(ROWS)]


def recompilations(enable: Switch, disable: Switch) -> Any:
    """Other shapes, types, modes and attributes: as many recompilations as without us."""
    enable()
    model: Any = torch.compile(Block(), backend="eager")
    results = [model(ROWS), model(ROWS[:2]), model(ROWS[:1])]
    model._orig_mod.scale = 5
    results.append(model(ROWS))
    with torch.no_grad():
        results.append(model.eval()(ROWS))
    with torch.inference_mode():
        results.append(model(ROWS))
    with torch.autocast("cpu"):
        results.append(model(ROWS))
    torch._dynamo.reset()
    return [*results, model(ROWS)]


def described_and_compiled(enable: Switch, disable: Switch) -> Any:
    """What `describe` leaves on a module makes no difference to the compiler."""
    import otelml

    model = Block()
    compiled: Any = torch.compile(model, fullgraph=True, backend="eager")
    results = [compiled(ROWS)]
    enable()
    otelml.describe(model, name="block", task="classification")
    results.append(compiled(ROWS))
    otelml.describe(compiled, name="compiled block")
    return [*results, compiled(ROWS), list(compiled.state_dict())]


def compiled_hooks(enable: Switch, disable: Switch) -> Any:
    """Hooks of modules inside and around compiled ones."""
    enable()
    seen: list[str] = []
    model = Block()
    model.register_forward_hook(lambda _module, _args, result: result + 1)
    model.layers[0].register_forward_pre_hook(lambda _module, args: (args[0] * 2,))
    compiled: Any = torch.compile(model, backend="eager")
    compiled.register_forward_hook(lambda *_: seen.append("around"))
    return [compiled(ROWS), compiled(ROWS), seen]


def failing_compilation(enable: Switch, disable: Switch) -> Any:
    """A backend that fails, and code that can't be one graph, raise what they raise without us."""
    enable()

    def backend(graph: Any, examples: Any) -> Any:
        raise LookupError("no such backend")

    results = []
    for compiled in (torch.compile(Block(), backend=backend), torch.compile(Breaking(), fullgraph=True)):
        try:
            compiled(ROWS)
        except Exception as error:
            results.append(f"{type(error)} {str(error).splitlines()[0]}")
    return results


PRELOAD = ("torch._dynamo.backends.common", "torch._functorch.aot_autograd", "torch._inductor.utils")
PROGRAMS: tuple[Program, ...] = (
    compiled_before_enabling,
    compiled_after_enabling,
    compiled_between,
    compiled_in_place,
    compiled_function,
    many_compiled_modules,
    graph_breaks,
    recompilations,
    described_and_compiled,
    compiled_hooks,
    failing_compilation,
)
