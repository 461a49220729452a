"""Programs that export, trace, copy, save, transform and differentiate modules, with hooks, threads and failures."""

from __future__ import annotations

import copy
import io
import pickle
import threading
import traceback
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.conformance.torch_programs import Program, Switch

PRELOAD = ("torch.export", "torch._dynamo", "torch.fx.experimental.proxy_tensor", "torch._functorch.vmap")


class Block(nn.Module):
    """A module of modules, that TorchScript takes, too."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Sequential(nn.ReLU(), nn.Linear(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x) + x)


ROWS = torch.linspace(-1, 1, 12).reshape(3, 4)


def _described() -> Block:
    import otelml

    return otelml.describe(Block(), name="block", version=2, task="classification")


def exported(enable: Switch, disable: Switch) -> Any:
    """`torch.export`, strict and not, with a dynamic batch."""
    enable()
    batch = {"x": {0: torch.export.Dim("batch", min=1, max=64)}}
    programs = [
        torch.export.export(_described().eval(), (ROWS,), dynamic_shapes=shapes, strict=strict)
        for shapes in (None, batch)
        for strict in (True, False)
    ]
    return [
        [program.graph_module.code, list(program.state_dict), program.module()(ROWS), str(program.range_constraints)]
        for program in programs
    ]


def traced_symbolically(enable: Switch, disable: Switch) -> Any:
    """`torch.fx`: symbolic tracing of a module, and `make_fx`."""
    from torch.fx.experimental.proxy_tensor import make_fx

    enable()
    model = _described().eval()
    traced = torch.fx.symbolic_trace(model)
    made = [
        make_fx(model, tracing_mode=mode, _allow_non_fake_inputs=True)(ROWS) for mode in ("real", "fake", "symbolic")
    ]
    return [[graph.code, graph(ROWS)] for graph in (traced, *made)]


def traced_by_jit(enable: Switch, disable: Switch) -> Any:
    """`torch.jit.trace` and `torch.jit.script`, saved and loaded."""
    enable()
    results = []
    for module in (torch.jit.trace(_described(), ROWS), torch.jit.script(_described())):
        file = io.BytesIO()
        torch.jit.save(module, file)
        file.seek(0)
        loaded = torch.jit.load(file)
        names = sorted(name for name, _ in loaded.named_parameters())
        results.append([module.code, str(module.graph), loaded(ROWS), module(ROWS), names, dir(loaded._c._type())])
    return results


def copied(enable: Switch, disable: Switch) -> Any:
    """Copies and files of modules, and of their bound methods, read with otelml and without."""
    enable()
    model = _described()
    model(ROWS)
    file = io.BytesIO()
    torch.save(model, file)
    state = io.BytesIO()
    torch.save(model.state_dict(), state)
    pickled = [pickle.dumps(it) for it in (model, model.__call__, nn.Module.__call__)]
    results = []
    for switch in (enable, disable):
        switch()
        for each in (file, state):
            each.seek(0)
        other = Block()
        other.load_state_dict(torch.load(state, weights_only=True))
        modules = [copy.deepcopy(model), copy.copy(model), torch.load(file, weights_only=False), other]
        called = [module(ROWS) for module in modules]
        unpickled = [pickle.loads(data) for data in pickled]
        results += [called, unpickled[0](ROWS), unpickled[1](ROWS), unpickled[2](model, ROWS), list(vars(other))]
    return [results, list(model.state_dict()), repr(model)]


def transformed(enable: Switch, disable: Switch) -> Any:
    """`functional_call`, `vmap`, `grad`, `jacrev` and ensembles of modules."""
    from torch.func import functional_call, grad, jacrev, stack_module_state, vmap

    enable()
    model = _described().eval()
    parameters = dict(model.named_parameters())

    def loss(parameters: Any, x: Tensor) -> Tensor:
        return functional_call(model, parameters, (x,)).square().sum()

    stacked, buffers = stack_module_state([Block(), Block()])

    def one(parameters: Any, buffers: Any, x: Tensor) -> Tensor:
        return functional_call(model, (parameters, buffers), (x,))

    with torch.no_grad():
        without = [vmap(model)(ROWS), vmap(one, in_dims=(0, 0, None))(stacked, buffers, ROWS)]
    return [
        *without,
        vmap(grad(loss), in_dims=(None, 0))(parameters, ROWS),
        jacrev(model)(ROWS),
        grad(loss)(parameters, ROWS),
    ]


def checkpointed(enable: Switch, disable: Switch) -> Any:
    """Activation checkpointing of both kinds, whose modules are called again inside `backward`."""
    enable()
    results = []
    for reentrant in (True, False):
        for model in (Block(), Block().eval()):
            x = ROWS.clone().requires_grad_()
            result = checkpoint(model, x, use_reentrant=reentrant)
            result.square().sum().backward()
            results.append([result, x.grad, [parameter.grad for parameter in model.parameters()]])
    return results


def hooked(enable: Switch, disable: Switch) -> Any:
    """Hooks of every kind, of modules and global ones, are called in their order, also with exceptions."""
    enable()
    seen: list[str] = []
    model = Block()

    def note(name: str) -> Any:
        return lambda *_: seen.append(name)

    model.register_forward_pre_hook(note("pre"))
    model.register_forward_hook(note("post"))
    model.first.register_full_backward_hook(note("backward"))
    model.register_forward_hook(note("always"), always_call=True)
    everywhere = nn.modules.module.register_module_forward_hook(note("everywhere"))
    model(ROWS).sum().backward()
    everywhere.remove()
    with torch.no_grad():
        results = [model(ROWS)]
    try:
        model(ROWS[:, :3])
    except RuntimeError as error:
        results.append(str(error))
    return [results, seen]


class Failing(nn.Module):
    """A module that raises in a module of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Block()
        self.depth = 0

    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.inner(x[:, :3])
        except RuntimeError as error:
            raise ValueError("no such shape") from error


def failing(enable: Switch, disable: Switch) -> Any:
    """Exceptions, with their cause and the host's frames, and calls after them."""
    enable()
    results: list[Any] = []
    model, good = Failing().eval(), Block().eval()
    for _ in range(25):
        try:
            with torch.no_grad():
                model(ROWS)
        except ValueError as error:
            frames = [
                frame.name for frame in traceback.extract_tb(error.__traceback__) if "otelml" not in frame.filename
            ]
            ours = ("call", "_call_recorded", "_call_claimed", "_own_call", "_call_impl", "_wrapped_call_impl")
            results.append([str(error), type(error.__cause__), [name for name in frames if name not in ours]])
        with torch.no_grad():
            results.append(good(ROWS))
    for wrong in (nn.Module(), Block()):
        try:
            wrong()
        except Exception as error:
            results.append([type(error), str(error).splitlines()[0]])
    return results


def threaded(enable: Switch, disable: Switch) -> Any:
    """Eight threads call modules at once while otelml is switched off and on."""
    model = _described().eval()
    results: list[Any] = []

    def work() -> None:
        with torch.no_grad():
            results.append([model(ROWS) for _ in range(200)][-1])

    enable()
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for switch in (disable, enable, disable):
        switch()
    for thread in threads:
        thread.join()
    return results


def altered(enable: Switch, disable: Switch) -> Any:
    """Modules whose class or parameters change: lazy ones, parametrizations, averages, data types, meta device."""
    from torch.nn.utils import parametrizations
    from torch.optim.swa_utils import AveragedModel

    enable()
    lazy = nn.Sequential(nn.LazyLinear(4), nn.ReLU())
    torch.manual_seed(2)
    constrained = parametrizations.orthogonal(nn.Linear(4, 4))
    with torch.no_grad():
        results = [list(lazy(ROWS).shape), constrained(ROWS), AveragedModel(Block())(ROWS)]
        results.append(Block().to(torch.bfloat16)(ROWS.to(torch.bfloat16)).float())
        results.append(list(Block().to("meta")(ROWS.to("meta")).shape))
        nested = torch.nested.nested_tensor([ROWS, ROWS[:2]])
        results.append([part.shape[0] for part in nn.Linear(4, 2).eval()(nested).unbind()])
        results.append(nn.Linear(4, 2)(ROWS.to_sparse()))
    return [results, type(lazy[0]).__name__, type(constrained).__name__]


PROGRAMS: tuple[Program, ...] = (
    exported,
    traced_symbolically,
    traced_by_jit,
    copied,
    transformed,
    checkpointed,
    hooked,
    failing,
    threaded,
    altered,
)
