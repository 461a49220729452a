"""PyTorch's modules, as the conformance suites see them; PyTorch is imported in the functions only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import otelml
from otelml.semconv.metrics import ML_INFERENCE_CALLS
from tests.conformance.hook import Hook, Host, Workload
from tests.conformance.hooks.torch_modules import ROWS, call, define, main_class, raising, returning, rows, subject


def _load() -> None:
    import torch  # noqa: F401


def _sites() -> Iterator[tuple[Any, str]]:
    from torch import nn

    yield nn.Module, "__call__"


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


HOOK = Hook(
    name="torch",
    instrumentor="otelml.instrumentation.torch:TorchInstrumentor",
    library="torch",
    preload=("numpy", "sympy", "opentelemetry.sdk.trace", "opentelemetry.sdk.metrics"),
    load=_load,
    sites=_sites,
    subject=subject,
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
        "otelml.instrumentation.torch.identity",
        "otelml.instrumentation.torch.runtime",
        "otelml.telemetry.compilations",
    ),
    passthrough=frozenset(
        {
            "otelml.instrumentation.torch.runtime:call",
            "otelml.instrumentation.torch.runtime:generate",
            "otelml.instrumentation.torch.runtime:_call_claimed",
            "otelml.instrumentation.torch.runtime:_call_recorded",
            "otelml.instrumentation.torch.compiler:_log",
            "otelml.instrumentation.torch.compiler:_note_reason",
        }
    ),
    idle_modules=frozenset(),
    own_attributes=("shop",),
    workloads=(
        Workload(_infer, {"torch_input_shapes": True}),
        Workload(_classify, {"metric_attributes": "shop"}, observed=True),
        Workload(_hot_loop, {"overhead_budget": 0}),
        Workload(_compile),
    ),
)
