"""What PyTorch users do with modules gives the same with the instrumentation as without it.

So do the compiler's graphs, their breaks and their recompilations.
"""

from __future__ import annotations

import functools

import pytest

pytest.importorskip("torch")

from tests.conformance import torch_compiled, torch_parallel, torch_trained, torch_transformed
from tests.conformance.torch_programs import Program, run_programs

_results = functools.cache(run_programs)


def _assert_same(program: Program) -> None:
    without, with_otelml = _results(program.__module__)[program.__name__]
    assert "raised" not in without, without["raised"]
    assert "raised" not in with_otelml, with_otelml["raised"]
    assert with_otelml["got"] == without["got"]
    assert with_otelml["compiler"] == without["compiler"]


@pytest.mark.parametrize("program", torch_transformed.PROGRAMS, ids=lambda it: it.__name__)
def test_transformed(program: Program) -> None:
    """Export, tracing, copies, files, function transforms, hooks, threads and failures."""
    _assert_same(program)


@pytest.mark.parametrize("program", torch_trained.PROGRAMS, ids=lambda it: it.__name__)
def test_trained(program: Program) -> None:
    """Losses, weights, checkpoints and random numbers of training loops are equal to the last bit."""
    _assert_same(program)


@pytest.mark.slow
@pytest.mark.parametrize("program", torch_compiled.PROGRAMS, ids=lambda it: it.__name__)
def test_compiled(program: Program) -> None:
    """The same results of `torch.compile`, with the same graphs, no break more and no recompilation more."""
    _assert_same(program)


@pytest.mark.slow
@pytest.mark.parametrize("program", torch_parallel.PROGRAMS, ids=lambda it: it.__name__)
def test_parallel(program: Program) -> None:
    """Two processes with DDP and FSDP2, workers that load data, and the default compiler backend."""
    _assert_same(program)
