"""Alerts on training and GPUs fire when they must, and are silent when they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelml.rules.limits import default_limits
from otelml.rules.packs import gpu, training
from otelml.rules.promql import Series
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.rules.promtool import Case, Made, counter, gauge, made, missing, run

LIMITS = default_limits()
NET = {names.ML_MODEL_NAME: "net", names.ML_SYSTEM_NAME: names.SystemName.PYTORCH}
STEPS = Series(metrics.ML_TRAINING_STEPS)
DEVICE = {names.HW_ID: "GPU-1"}


def test_training_waits_for_data(tmp_path: Path) -> None:
    """Half of the time waiting fires; a twentieth does not; nor does a training that ended."""

    def phases(waiting: float, computing: float) -> list[Made]:
        time = Series(metrics.ML_TRAINING_TIME)
        key, phase = names.ML_TRAINING_PHASE, names.TrainingPhase
        return [
            made(time, {**NET, key: phase.DATA_WAIT}, counter((40, waiting))),
            made(time, {**NET, key: phase.FORWARD}, counter((40, computing))),
        ]

    cases = [
        Case("half", "TrainingWaitsForData", 1, 39, phases(30, 30)),
        Case("a twentieth", "TrainingWaitsForData", 0, 39, phases(3, 57)),
        Case("ended", "TrainingWaitsForData", 0, 39, phases(0, 0)),
    ]
    run(tmp_path, [training.group(LIMITS["training"])], cases)


def test_training_stands(tmp_path: Path) -> None:
    """No step for a quarter of an hour fires; progress, a run that ended and one that never began don't."""
    stopped = made(STEPS, NET, counter((30, 10), (30, 0)))
    ended = made(Series(metrics.ML_TRAINING_RUNS), NET, f"{missing(30)} {counter((1, 0), (29, 0)).replace('0+', '1+')}")
    first = made(Series(metrics.ML_TRAINING_RUNS), NET, gauge((60, 1)))
    cases = [
        Case("stopped", "TrainingStands", 1, 50, [stopped]),
        Case("in progress", "TrainingStands", 0, 50, [made(STEPS, NET, counter((60, 10)))]),
        Case("ended", "TrainingStands", 0, 50, [stopped, ended]),
        Case("never began", "TrainingStands", 0, 50, [made(STEPS, NET, counter((60, 0)))]),
        Case("an hour later", "TrainingStands", 0, 119, [made(STEPS, NET, counter((30, 10), (90, 0))), first]),
    ]
    run(tmp_path, [training.group(LIMITS["training"])], cases)


def test_training_slowed_down(tmp_path: Path) -> None:
    """A third of the speed of the hour before fires; four fifths don't; nor does a training that ended."""

    def samples(now: float) -> list[Made]:
        return [made(Series(metrics.ML_TRAINING_SAMPLES), NET, counter((60, 3000), (40, now)))]

    cases = [
        Case("a third", "TrainingSlowedDown", 1, 95, samples(1000)),
        Case("four fifths", "TrainingSlowedDown", 0, 95, samples(2400)),
        Case("ended", "TrainingSlowedDown", 0, 95, samples(0)),
    ]
    run(tmp_path, [training.group(LIMITS["training"])], cases)


def test_training_straggler(tmp_path: Path) -> None:
    """A worker that needs 15 s a minute more than most fires; workers that are alike don't, nor do two jobs."""

    def job(seconds: tuple[float, ...], jobs: tuple[str, ...]) -> list[Made]:
        found = []
        for rank, (spent, name) in enumerate(zip(seconds, jobs, strict=True)):
            where = {"job": "train", "instance": f"i{rank}"}
            phase = {**NET, names.ML_TRAINING_PHASE: names.TrainingPhase.FORWARD}
            backward = {**NET, names.ML_TRAINING_PHASE: names.TrainingPhase.BACKWARD}
            about = f'job="train",instance="i{rank}",ml_training_job_id="{name}",ml_training_worker_index="{rank}"'
            found += [
                made(Series(metrics.ML_TRAINING_TIME), phase, counter((40, spent)), **where),
                made(Series(metrics.ML_TRAINING_TIME), backward, counter((40, 60 - spent)), **where),
                (f"target_info{{{about}}}", gauge((40, 1))),
            ]
        return found

    one = ("a",) * 4
    cases = [
        Case("one of four", "TrainingStraggler", 1, 39, job((20, 20, 35, 20), one)),
        Case("one of two", "TrainingStraggler", 1, 39, job((20, 35), one[:2])),
        Case("alike", "TrainingStraggler", 0, 39, job((20, 21, 23, 20), one)),
        Case("jobs of one", "TrainingStraggler", 0, 39, job((20, 40), ("a", "b"))),
    ]
    run(tmp_path, [training.group(LIMITS["training"])], cases)


def test_training_anomaly(tmp_path: Path) -> None:
    """The first anomaly of a kind fires, though its series has no point before; an old one does not."""
    series = Series(metrics.ML_TRAINING_ANOMALIES)
    nan = {**NET, names.ML_TRAINING_ANOMALY_TYPE: names.TrainingAnomalyType.NAN_LOSS}
    cases = [
        Case("first", "TrainingAnomaly", 1, 32, [made(series, nan, f"{missing(30)} 1x10")]),
        Case("one more", "TrainingAnomaly", 1, 32, [made(series, nan, gauge((30, 1), (10, 2)))]),
        Case("old", "TrainingAnomaly", 0, 32, [made(series, nan, gauge((40, 1)))]),
    ]
    run(tmp_path, [training.group(LIMITS["training"])], cases)


def test_gpu_memory_nearly_full(tmp_path: Path) -> None:
    """Ten minutes at 99% fire; a short peak doesn't."""
    series = Series(metrics.HW_GPU_MEMORY_UTILIZATION)
    cases = [
        Case("full", "GpuMemoryNearlyFull", 1, 29, [made(series, DEVICE, gauge((30, 0.99)))]),
        Case("peak", "GpuMemoryNearlyFull", 0, 29, [made(series, DEVICE, gauge((25, 0.5), (5, 0.99)))]),
    ]
    run(tmp_path, [gpu.group(LIMITS["gpu"])], cases)


def test_gpu_idle_while_training(tmp_path: Path) -> None:
    """A GPU at 10% fires while steps are made, and not without training or when busy."""
    busy, idle = (made(Series(metrics.HW_GPU_UTILIZATION), DEVICE, gauge((40, share))) for share in (0.9, 0.1))
    steps, none = (made(STEPS, NET, counter((40, step))) for step in (10, 0))
    cases = [
        Case("idle", "GpuIdleWhileTraining", 1, 39, [idle, steps]),
        Case("busy", "GpuIdleWhileTraining", 0, 39, [busy, steps]),
        Case("no training", "GpuIdleWhileTraining", 0, 39, [idle, none]),
    ]
    run(tmp_path, [gpu.group(LIMITS["gpu"])], cases)


def test_gpu_errors(tmp_path: Path) -> None:
    """A first error fires; errors that were corrected, those of other hardware, and old ones, don't."""
    series, kind = Series(metrics.HW_ERRORS), {**DEVICE, names.ERROR_TYPE: "xid_79"}
    new = f"{missing(20)} 1x19"
    cases = [
        Case("first", "GpuErrors", 1, 22, [made(series, {**kind, names.HW_TYPE: gpu.GPU}, new)]),
        Case(
            "corrected",
            "GpuErrors",
            0,
            22,
            [made(series, {**kind, names.HW_TYPE: gpu.GPU, names.ERROR_TYPE: gpu.CORRECTED}, new)],
        ),
        Case("a disk", "GpuErrors", 0, 22, [made(series, {**kind, names.HW_TYPE: "physical_disk"}, new)]),
        Case("old", "GpuErrors", 0, 22, [made(series, {**kind, names.HW_TYPE: gpu.GPU}, gauge((40, 1)))]),
    ]
    run(tmp_path, [gpu.group(LIMITS["gpu"])], cases)


def test_gpu_out_of_memory(tmp_path: Path) -> None:
    """The first error fires, though the counter may begin with it; an old one does not."""
    series = Series(metrics.ML_DEVICE_ALLOCATOR_ERRORS)
    cases = [
        Case("first", "GpuOutOfMemory", 1, 22, [made(series, DEVICE, f"{missing(20)} 1x19")]),
        Case("one more", "GpuOutOfMemory", 1, 22, [made(series, DEVICE, gauge((20, 1), (20, 2)))]),
        Case("old", "GpuOutOfMemory", 0, 22, [made(series, DEVICE, gauge((40, 1)))]),
    ]
    run(tmp_path, [gpu.group(LIMITS["gpu"])], cases)


@pytest.mark.parametrize("ending", ["", "_ratio"])
def test_gpu_not_in_order(ending: str, tmp_path: Path) -> None:
    """Ten minutes of a bad state fire, under both names of the metric; a short one, a good one and a disk's don't."""

    def state(name: str, values: str, kind: str = gpu.GPU) -> list[Made]:
        series = Series(metrics.HW_STATUS, ending)
        return [made(series, {**DEVICE, names.HW_STATE: name, names.HW_TYPE: kind}, values)]

    states, always = names.HwState, gauge((30, 1))
    cases = [
        Case("degraded", "GpuNotInOrder", 1, 29, state(states.DEGRADED, always)),
        Case("failed", "GpuNotInOrder", 1, 29, state(states.FAILED, always)),
        Case("for five minutes", "GpuNotInOrder", 0, 29, state(states.DEGRADED, gauge((25, 0), (5, 1)))),
        Case("no more", "GpuNotInOrder", 0, 29, state(states.DEGRADED, gauge((28, 1), (2, 0)))),
        Case("in order", "GpuNotInOrder", 0, 29, state(states.OK, always)),
        Case("a disk", "GpuNotInOrder", 0, 29, state(states.FAILED, always, "physical_disk")),
    ]
    run(tmp_path, [gpu.group(LIMITS["gpu"])], cases)


def test_model_recompiles(tmp_path: Path) -> None:
    """Two recompilations a minute fire; five after the start don't, nor do many that are long past."""

    def causes(*values: str) -> list[Made]:
        series, cause = Series(metrics.ML_COMPILE_RECOMPILES), names.CompileRecompileCause
        kinds = (cause.SHAPE, cause.VALUE)
        return [
            made(series, {**NET, names.ML_COMPILE_RECOMPILE_CAUSE: it}, v) for it, v in zip(kinds, values, strict=False)
        ]

    cases = [
        Case("two a minute", "ModelRecompiles", 1, 29, causes(counter((30, 1)), counter((30, 1)))),
        Case("after the start", "ModelRecompiles", 0, 12, causes(f"{missing(10)} 5x20")),
        Case("long past", "ModelRecompiles", 0, 39, causes(counter((15, 2), (25, 0)))),
    ]
    run(tmp_path, [training.group(LIMITS["training"])], cases)
