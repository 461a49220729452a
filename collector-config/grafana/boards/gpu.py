"""GPUs: how busy they are, their memory, and errors; beside what the training does."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, Variable, legend
from otelml.rules.packs.gpu import GPU
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

CHOSEN = f'{labels(names.HW_ID)}=~"$gpu"'
BY = labels(names.HW_ID)


def _of(metric: Metric) -> Series:
    return Series(metric).matching([CHOSEN])


BOARD = Board(
    "otelml-gpu",
    "GPU",
    "Whether the GPUs work or wait, and how much memory is left.",
    (Variable("gpu", "GPU", Series(metrics.HW_GPU_UTILIZATION), names.HW_ID),),
    (
        (
            "Use",
            (
                Panel(
                    "Utilization",
                    "lines",
                    "percentunit",
                    (Query(f"max by ({BY}) ({_of(metrics.HW_GPU_UTILIZATION)})", legend(names.HW_ID)),),
                    "Share of the time in which the GPU ran anything; low while training, it waits.",
                ),
                Panel(
                    "Memory",
                    "lines",
                    "percentunit",
                    (Query(f"max by ({BY}) ({_of(metrics.HW_GPU_MEMORY_UTILIZATION)})", legend(names.HW_ID)),),
                    "Share of the memory in use.",
                ),
                Panel(
                    "Memory in bytes",
                    "lines",
                    "bytes",
                    (Query(f"max by ({BY}) ({_of(metrics.HW_GPU_MEMORY_USAGE)})", legend(names.HW_ID)),),
                    "What an out-of-memory error says, before it comes.",
                ),
                Panel(
                    "Errors",
                    "bars",
                    "none",
                    (
                        Query(
                            f"sum by ({labels(names.HW_ID, names.ERROR_TYPE)})"
                            f" ({_of(metrics.HW_ERRORS).where(names.HW_TYPE, '=', GPU)})",
                            legend(names.HW_ID, names.ERROR_TYPE),
                        ),
                    ),
                    "Hardware errors; results since the first one may be wrong.",
                ),
                Panel(
                    "Training samples a second",
                    "lines",
                    "short",
                    (
                        Query(
                            rate(Series(metrics.ML_TRAINING_SAMPLES), WINDOW, names.ML_MODEL_NAME),
                            legend(names.ML_MODEL_NAME),
                        ),
                    ),
                    "What comes out of it.",
                    24,
                ),
            ),
        ),
    ),
)
