"""Programs of PyTorch users, each run in a process of its own without otelml and with it.

    python -m tests.conformance.torch_programs <module with programs>

prints, as JSON, what each program got, and what the compiler did, without otelml and with it. A program is given
`enable`, which switches otelml on, and `disable`; it returns plain values.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

Switch = Callable[[], None]
Program = Callable[[Switch, Switch], Any]


def run_programs(module: str) -> dict[str, tuple[Any, Any]]:
    """Run all programs of a module, its `PROGRAMS`, in processes that have imported its `PRELOAD`.

    Returns:
        By program, what it got without otelml and with it.
    """
    path = os.pathsep.join(path for path in sys.path if path)
    # A kernel from the cache would be a compilation less.
    environment = {**os.environ, "PYTHONPATH": path, "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
    command = [sys.executable, "-m", "tests.conformance.torch_programs", module]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    results: dict[str, tuple[Any, Any]] = json.loads(run.stdout.splitlines()[-1])
    return results


def plain(value: Any) -> Any:
    """Tensors and what holds them, as values that JSON takes and that compare."""
    import torch

    if isinstance(value, torch.Tensor):
        return [str(value.dtype), plain(value.detach().double().tolist())]
    if isinstance(value, float):
        return repr(round(value, 5))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    # Addresses differ from process to process.
    return value if isinstance(value, (int, type(None))) else re.sub(r"0x[0-9a-f]+", "0x", str(value))


def compiler_facts() -> dict[str, Any]:
    """What `torch.compile` did in this process: its compilations with their reasons, its graphs and their breaks."""
    utils = sys.modules.get("torch._dynamo.utils")
    if utils is None:
        return {}
    return {
        "compiled": [_compiled(metrics) for metrics in utils.get_compilation_metrics()],
        "breaks": sum(utils.counters["graph_break"].values()),
        "graphs": dict(utils.counters["stats"]),
        "frames": dict(utils.counters["frames"]),
    }


def _compiled(metrics: Any) -> list[Any]:
    facts = ("compile_id", "co_name", "graph_op_count", "recompile_reason", "fail_type")
    return [plain(getattr(metrics, fact, None)) for fact in facts]


def _run(program: Program, with_otelml: bool) -> Any:
    import torch

    warnings.simplefilter("ignore")
    # PyTorch makes its thread pool anew after a fork, and dies where two of its threads are the first to ask for it.
    torch.set_num_threads(1)
    torch.manual_seed(0)
    enable, disable = _switches() if with_otelml else (_nothing, _nothing)
    got = plain(program(enable, disable))
    return {"got": got, "compiler": plain(compiler_facts())}


def _nothing() -> None:
    """Without otelml, there is nothing to switch."""


def _switches() -> tuple[Switch, Switch]:
    from otelml import _guard
    from otelml.instrumentation.torch import TorchInstrumentor
    from tests.support.telemetry import Telemetry

    _guard.raise_faults = True
    telemetry, instrumentor = Telemetry(), TorchInstrumentor()
    return lambda: instrumentor.instrument(**telemetry.providers), instrumentor.uninstrument


def _forked(program: Program, with_otelml: bool) -> Any:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = json.dumps(_run(program, with_otelml))
        except BaseException:
            answer = json.dumps({"raised": traceback.format_exc()})
        with os.fdopen(writer, "w") as file:
            file.write(answer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text or '{"raised": "the process died"}')


def main() -> None:
    """Run the programs of the module named on the command line."""
    import torch

    import tests.support.telemetry  # noqa: F401

    torch.set_num_threads(1)  # so that there are no threads that a forked process would lack
    module = import_module(sys.argv[1])
    for name in module.PRELOAD:
        import_module(name)
    programs = module.PROGRAMS
    results = {program.__name__: [_forked(program, False), _forked(program, True)] for program in programs}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
