"""Which worker of a distributed run a process is."""

from __future__ import annotations

import pytest

from otelml.distro.job import job_attributes

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "GROUP_RANK": "2",
    "TORCHELASTIC_RUN_ID": "none",
}
SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_PROCID": "3",
    "SLURM_NTASKS": "4",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
}


@pytest.mark.parametrize(
    ("environment", "launcher", "job", "numbers"),
    [
        (TORCHRUN, "torchrun", "none", (5, 8, 1, 2)),
        (SLURM, "slurm", "4711", (3, 4, 1, 1)),
        ({**SLURM, **TORCHRUN}, "slurm", "4711", (5, 8, 1, 2)),
        ({**TORCHRUN, "RAY_JOB_ID": "02000000"}, "ray", "02000000", (5, 8, 1, 2)),
        ({**TORCHRUN, "KUBEFLOW_TRAINING_JOB_ID": "pytorchjob-7"}, "kubeflow", "pytorchjob-7", (5, 8, 1, 2)),
        (
            {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "0"},
            "mpi",
            None,
            (1, 2, 0, None),
        ),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "other", None, (0, 2, None, None)),
    ],
)
def test_launchers(
    environment: dict[str, str], launcher: str, job: str | None, numbers: tuple[int | None, ...]
) -> None:
    """Each launcher's variables give the job and the worker's numbers."""
    found = job_attributes(environment)
    assert found["ml.training.launcher"] == launcher
    assert found.get("ml.training.job.id") == job
    suffixes = ("worker.index", "worker.count", "worker.local_index", "node.index")
    assert tuple(found.get(f"ml.training.{suffix}") for suffix in suffixes) == numbers


def test_restarts() -> None:
    """What torchrun says of restarts is told of its workers, whoever has started it; and of nobody else."""
    restarted = {"TORCHELASTIC_RESTART_COUNT": "2"}
    for environment in (TORCHRUN, {**SLURM, **TORCHRUN}):
        assert job_attributes({**environment, **restarted})["ml.training.restart.count"] == 2
        assert "ml.training.restart.count" not in job_attributes(environment)
    assert job_attributes(restarted) == {}


@pytest.mark.parametrize(
    "environment",
    [{}, {"SLURM_JOB_ID": "4711"}, {"RAY_JOB_ID": "1"}, {"RANK": "first", "WORLD_SIZE": "2"}, {"RANK": "0"}],
)
def test_no_worker(environment: dict[str, str]) -> None:
    """A process that is no worker, or whose variables make no sense, has no such attributes."""
    assert job_attributes(environment) == {}
