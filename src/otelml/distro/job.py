"""The worker that this process is in a distributed training run, as its launcher's environment describes it.

The attributes go on the resource: with them the time of each phase can be told by rank, and a rank that waits for its
data, or whose forward pass takes longer than the others', is a straggler. Backward is no help: the ranks wait for each
other in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import environ
from typing import NamedTuple

from otelml._guard import guarded
from otelml.semconv import attributes as names
from otelml.semconv.attributes import TrainingLauncher


class _Launcher(NamedTuple):
    """What a launcher sets: the variables of its job's id, and those of rank, world size, local rank and node."""

    name: str
    job: tuple[str, ...]
    rank: tuple[str, ...] = ("RANK",)
    world: tuple[str, ...] = ("WORLD_SIZE",)
    local: tuple[str, ...] = ("LOCAL_RANK",)
    node: tuple[str, ...] = ("GROUP_RANK", "NODE_RANK")


_LAUNCHERS = (
    # The outer first: under Kubeflow, Ray or SLURM each node may run torchrun, whose variables then tell the rank.
    _Launcher(TrainingLauncher.RAY, ("RAY_JOB_ID",)),
    _Launcher(TrainingLauncher.KUBEFLOW, ("KUBEFLOW_TRAINING_JOB_ID", "PET_RDZV_ID")),
    _Launcher(
        TrainingLauncher.SLURM,
        ("SLURM_JOB_ID",),
        ("RANK", "SLURM_PROCID"),
        ("WORLD_SIZE", "SLURM_NTASKS"),
        ("LOCAL_RANK", "SLURM_LOCALID"),
        ("GROUP_RANK", "SLURM_NODEID"),
    ),
    _Launcher(TrainingLauncher.TORCHRUN, ("TORCHELASTIC_RUN_ID",)),
    _Launcher(
        TrainingLauncher.MPI,
        ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE"),
        ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK"),
        ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"),
        ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ),
    _Launcher(TrainingLauncher.OTHER, ("RANK",)),
)

_RESTARTS = ("TORCHELASTIC_RESTART_COUNT",)

_NOT_A_JOB = (TrainingLauncher.MPI, TrainingLauncher.OTHER)
"""Launchers that give no id; what is looked for says only that they are there."""


@guarded
def _detected(environment: Mapping[str, str]) -> dict[str, str | int]:
    for launcher in _LAUNCHERS:
        job = _first(environment, launcher.job)
        rank = _number(_first(environment, launcher.rank))
        count = _number(_first(environment, launcher.world))
        # A job of one process has no ranks to be told apart; a shell in a SLURM allocation is not even a worker.
        if job is None or rank is None or count is None:
            continue
        found: dict[str, str | int | None] = {
            names.ML_TRAINING_LAUNCHER: launcher.name,
            names.ML_TRAINING_JOB_ID: None if launcher.name in _NOT_A_JOB else job,
            names.ML_TRAINING_WORKER_INDEX: rank,
            names.ML_TRAINING_WORKER_COUNT: count,
            names.ML_TRAINING_WORKER_LOCAL_INDEX: _number(_first(environment, launcher.local)),
            names.ML_TRAINING_NODE_INDEX: _number(_first(environment, launcher.node)),
            names.ML_TRAINING_RESTART_COUNT: _number(_first(environment, _RESTARTS)),
        }
        return {name: value for name, value in found.items() if value is not None}
    return {}


def job_attributes(environment: Mapping[str, str] = environ) -> dict[str, str | int]:
    """The attributes of the resource that say which worker of which job this process is; none outside any job.

    Args:
        environment: the variables of the process.
    """
    return _detected(environment) or {}


def _first(environment: Mapping[str, str], variables: tuple[str, ...]) -> str | None:
    return next((value for variable in variables if (value := environment.get(variable, "").strip())), None)


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
