"""PyTorch's modules, as the conformance suites see them; PyTorch is imported in the functions only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import otelml
from otelml.semconv.metrics import ML_INFERENCE_CALLS
from tests.conformance.hook import Hook, Host, Workload
from tests.conformance.hooks import torch_training
from tests.conformance.hooks.torch_modules import ROWS, call, define, main_class, raising, returning, rows, subject


def _load() -> None:
    import torch
    import torch.distributed.checkpoint

    torch.set_num_threads(1)  # the modules are small, and threads that wait for a busy processor take most of the time


def _sites() -> Iterator[tuple[Any, str]]:
    import torch
    from torch import nn
    from torch.distributed import checkpoint
    from torch.utils.data.dataloader import _BaseDataLoaderIter

    yield nn.Module, "__call__"
    yield _BaseDataLoaderIter, "__next__"
    for name in ("scale", "unscale_", "step"):
        yield torch.amp.GradScaler, name
    for name in ("capture_begin", "capture_end"):
        yield torch.cuda.CUDAGraph, name
    for name in ("save", "load", "async_save"):
        yield checkpoint, name
    yield torch, "save"
    yield torch, "load"
    yield torch.autograd, "backward"
    yield torch.nn.utils, "clip_grad_norm_"


_RECEIVE = f"""
import pickle, torch, warnings
results = {{}}
X = torch.tensor({ROWS})
for path in folder.iterdir():
    if path.suffix == ".pickle":
        with path.open("rb") as file:
            subject = pickle.load(file)
    elif path.suffix == ".script":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript, since 2.9
            subject = torch.jit.load(str(path))
    else:
        subject = torch.load(path, weights_only=False)
    with torch.no_grad():
        results[path.name] = [[round(float(x), 5) for x in row] for row in subject(X)]
"""


def _send(folder: Path) -> None:
    import copy
    import pickle
    import warnings

    import cloudpickle
    import torch

    module = otelml.describe(subject(), name="churn", version=3, task="classification")
    call(module)
    folder.joinpath("module.pickle").write_bytes(pickle.dumps(module))
    folder.joinpath("method.pickle").write_bytes(pickle.dumps(module.__call__))
    torch.save(module, folder / "module.pt")
    torch.save(copy.deepcopy(module), folder / "copy.pt")
    own = main_class("Gate")().eval()
    call(own)
    folder.joinpath("own.pickle").write_bytes(cloudpickle.dumps(own))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript, since 2.9
        torch.jit.script(module).save(str(folder / "module.script"))


def _infer(host: Host) -> None:
    """Call modules of many kinds, in and outside of traces, and fail."""
    import torch

    module, broken = subject(), raising(ValueError("no"))
    with torch.no_grad():
        for batch in (rows(), rows(1), rows()[0]):
            host.call(module, batch)
        host.call(broken, rows())
        with host.request():
            host.call(module, rows())
            host.call(broken, rows())
        host.call(lambda x: list(module.to("meta")(x).shape), rows().to("meta"))


def _classify(host: Host) -> None:
    """Call classifiers that were described as such, also with one output, in a request and with attributes."""
    import torch
    from torch import nn

    model = otelml.describe(subject(), name="churn", version=3, task="classification")
    single = otelml.describe(nn.Sequential(subject(), nn.Linear(2, 1)), task="classification").eval()
    with torch.no_grad():
        for parameter in single[1].parameters():
            parameter.zero_()
        with host.request(), otelml.attributes({"shop": "a"}):
            for _ in range(2):
                host.call(model, rows())
        for _ in range(30):
            host.call(model, rows())
        host.call(single, rows())
        host.call(raising(ValueError("no")), rows())


def _hot_loop(host: Host) -> None:
    """Call so often that calls are counted together, and fail in between."""
    import torch

    model, broken = subject(), raising(ValueError("no"))
    with torch.inference_mode():
        for _ in range(260):
            host.call(model, rows(1))
        with host.unsampled_request():
            host.call(model, rows())
        for _ in range(3):
            host.call(model, rows())
            host.call(broken, rows())
    for _ in range(2):
        host.call(lambda x: model(x).detach(), rows())


def _compile(host: Host) -> None:
    """Compile with a graph break, and again for another shape."""
    import torch

    model = subject()

    def broken(x: Any) -> Any:
        y = model(x)
        torch._dynamo.graph_break()
        return y + 1

    torch._dynamo.reset()
    compiled = torch.compile(broken, backend="eager")
    with torch.no_grad():
        host.call(compiled, rows())
        host.call(compiled, rows(2))


_HOSTS = (
    *(f"runtime:{name}" for name in ("call", "generate", "_call_claimed", "_call_recorded")),
    *(f"compiler:{name}" for name in ("_log", "_note_reason")),
    "flops:_Counter.__torch_dispatch__",
    *(f"training.captures:{name}" for name in ("quiet", "begins", "ends")),
    *(f"training.patch:{name}" for name in ("_before", "_after")),
    # These contain their faults themselves: a frame around them is a part of what a step may cost.
    *(f"training.quick:{name}" for name in ("forwards", "loads", "backward", "_backward")),
)
"""What runs the host's code, or is called by it."""

_DECLARED = ("training", "begin", "_text", "_positive", "_hyperparameters", "as_text")
"""What is called by the host, and tells it what is wrong with its arguments."""

_BY_CHANCE = (
    *(f"instrumentation.torch.training.{name}" for name in ("anomalies:Watch.wait", "runtime:_judge_wait")),
    *(f"telemetry.training.{name}" for name in ("run:TrainingRun.mean_step", "steps:Steps.mean")),
)
"""What is called only when the machine makes a step wait for a second, or many norms are dear: in one run, and not in
the next."""

_IDLE = (
    *(
        f"otelml.instrumentation.torch.training.{name}"
        for name in ("active", "distributed_checkpoints", "patch", "rows")
    ),
    *(f"otelml.instrumentation.torch.training.{name}" for name in ("captures", "device")),
    *(f"otelml.telemetry.training.{name}" for name in ("elastic", "framework")),
)
"""What works when the hook is switched on, on a GPU, and for other programs than plain loops."""


HOOK = Hook(
    name="torch",
    instrumentor="otelml.instrumentation.torch:TorchInstrumentor",
    library="torch",
    preload=("numpy", "sympy", "opentelemetry.sdk.trace", "opentelemetry.sdk.metrics"),
    load=_load,
    sites=_sites,
    subject=subject,
    subclassing=False,
    define=define,
    call=call,
    calls=ML_INFERENCE_CALLS,
    returning=returning,
    raising=raising,
    send=_send,
    receive=_RECEIVE,
    telemetry_modules=(
        "otelml.instrumentation._calls",
        "otelml.instrumentation.torch.compiler",
        "otelml.instrumentation.torch.extract",
        "otelml.instrumentation.torch.flops",
        "otelml.instrumentation.torch.identity",
        "otelml.instrumentation.torch.runtime",
        "otelml.instrumentation.torch.training",
        "otelml.telemetry.compilations",
        "otelml.telemetry.training",
    ),
    passthrough=frozenset(
        {
            *(f"otelml.instrumentation.torch.{name}" for name in _HOSTS),
            *(f"otelml.telemetry.training.declared:{name}" for name in _DECLARED),
            *(f"otelml.{name}" for name in _BY_CHANCE),
        }
    ),
    idle_modules=frozenset(_IDLE),
    own_attributes=("shop", "ml.training.hyperparameter.*"),
    workloads=(
        Workload(_infer, {"torch_input_shapes": True}),
        Workload(_classify, {"metric_attributes": "shop"}, observed=True),
        Workload(_hot_loop, {"overhead_budget": 0}),
        Workload(_compile),
        Workload(torch_training.train, {"overhead_budget": 1, "training_window_steps": 5, "torch_flops": True}),
        Workload(torch_training.train_alike, {"overhead_budget": 0, "training_gradient_norm_every": 30}),
        Workload(torch_training.train_oddly, {"overhead_budget": 1, "training_gradient_norm_every": 1}),
        Workload(torch_training.keep),
    ),
)
