"""Training: runs that stand still, wait for data, became slow, or diverge; models that are compiled all the time."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.promql import Series, growth, increase, labels, rate
from otelml.rules.rule import Alert, Group
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = (names.ML_MODEL_NAME,)
TARGET = "target_info"
"""Where Prometheus has the attributes of the resource, of a process that sends metrics."""


def _by_worker() -> str:
    """The seconds a second that each worker waits for its data and computes its forward pass.

    The workers of a job make as many steps in the same time, and wait for each other in the backward pass: what one
    needs longer for these two phases, all others wait for.
    """
    phases = f"{names.TrainingPhase.DATA_WAIT}|{names.TrainingPhase.FORWARD}"
    time = Series(metrics.ML_TRAINING_TIME).where(names.ML_TRAINING_PHASE, "=~", phases)
    worker = labels(names.ML_TRAINING_JOB_ID, names.ML_TRAINING_WORKER_INDEX)
    about = f'{TARGET}{{{labels(names.ML_TRAINING_WORKER_INDEX)}!=""}}'
    spent = f"sum by (job, instance, {labels(*MODEL)}) (rate({time}[10m]))"
    return f"({spent} * on (job, instance) group_left ({worker}) {about})"


def group(limits: Limits) -> Group:
    """Return the rules."""
    time = Series(metrics.ML_TRAINING_TIME)
    waiting = rate(time.where(names.ML_TRAINING_PHASE, "=", names.TrainingPhase.DATA_WAIT), "10m", *MODEL)
    steps = Series(metrics.ML_TRAINING_STEPS)
    samples = Series(metrics.ML_TRAINING_SAMPLES)
    before = rate(samples, "1h", *MODEL).replace("[1h]", "[1h] offset 15m")
    model = "{{ $labels." + labels(*MODEL) + " }}"
    worker = "{{ $labels." + labels(names.ML_TRAINING_WORKER_INDEX) + " }}"
    by_worker = _by_worker()
    job = f"job, {labels(*MODEL, names.ML_TRAINING_JOB_ID)}"
    kind = "{{ $labels." + labels(names.ML_TRAINING_ANOMALY_TYPE) + " }}"
    return Group(
        "training",
        (
            Alert(
                "TrainingWaitsForData",
                f"({waiting} / ({rate(time, '10m', *MODEL)} > 0)) > {limits['dataWaitRatio']:g}",
                "ticket",
                f"the training of {model} waits for data {{{{ $value | humanizePercentage }}}} of the time",
                "the panel Time by phase of the dashboard Training, then the data loader's workers and the storage",
                "training-waits-for-data",
                "10m",
            ),
            Alert(
                "TrainingStands",
                f"(({increase(steps, '1h', *MODEL)} > 0) unless ({increase(steps, '15m', *MODEL)} > 0))"
                f" unless ({growth(Series(metrics.ML_TRAINING_RUNS), '1h', *MODEL)} > 0)",
                "page",
                f"the training of {model} has made no step for 15 minutes and has not ended",
                "the process: a worker that hangs in a collective, a full disk at a checkpoint, a source that blocks",
                "training-stands",
            ),
            Alert(
                "TrainingSlowedDown",
                f"({rate(samples, '15m', *MODEL)} > 0) < {limits['slowdown']:g} * {before}",
                "ticket",
                f"the training of {model} takes {{{{ $value | humanize }}}} samples a second, far fewer than before",
                "the panel Time by phase of the dashboard Training: which phase grew; then the dashboard GPU",
                "training-slowed-down",
                "15m",
            ),
            Alert(
                "TrainingStraggler",
                f"{by_worker} - on ({job}) group_left () quantile by ({job}) (0.5, {by_worker})"
                f" > {limits['stragglerRatio']:g}",
                "ticket",
                f"worker {worker} of the training of {model} holds the others up {{{{ $value | humanizePercentage }}}}"
                " of the time",
                "the times of data_wait and forward of that worker and of another; then its node",
                "training-straggler",
                "10m",
            ),
            Alert(
                "ModelRecompiles",
                f"{growth(Series(metrics.ML_COMPILE_RECOMPILES), '15m', *MODEL)} > {limits['recompilations']:g}",
                "ticket",
                f"{model} was compiled anew {{{{ $value | humanize }}}} times in 15 minutes",
                "the panel Recompilations by cause of the dashboard Training; the event has the compiler's reason",
                "model-recompiles",
            ),
            Alert(
                "TrainingAnomaly",
                f"{growth(Series(metrics.ML_TRAINING_ANOMALIES), '15m', *MODEL, names.ML_TRAINING_ANOMALY_TYPE)} > 0",
                "page",
                f"the training of {model} shows {kind}",
                "loss, gradient norm and learning rate before it, on the dashboard Training",
                "training-anomaly",
            ),
        ),
    )
