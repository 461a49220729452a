"""Training: runs that stand still, wait for data, became slow, or diverge."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.promql import Series, growth, increase, labels, rate
from otelml.rules.rule import Alert, Group
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = (names.ML_MODEL_NAME,)


def group(limits: Limits) -> Group:
    """Return the rules."""
    time = Series(metrics.ML_TRAINING_TIME)
    waiting = rate(time.where(names.ML_TRAINING_PHASE, "=", names.TrainingPhase.DATA_WAIT), "10m", *MODEL)
    steps = Series(metrics.ML_TRAINING_STEPS)
    samples = Series(metrics.ML_TRAINING_SAMPLES)
    before = rate(samples, "1h", *MODEL).replace("[1h]", "[1h] offset 15m")
    model = "{{ $labels." + labels(*MODEL) + " }}"
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
                "TrainingAnomaly",
                f"{growth(Series(metrics.ML_TRAINING_ANOMALIES), '15m', *MODEL, names.ML_TRAINING_ANOMALY_TYPE)} > 0",
                "page",
                f"the training of {model} shows {kind}",
                "loss, gradient norm and learning rate before it, on the dashboard Training",
                "training-anomaly",
            ),
        ),
    )
