"""GPUs: how busy they are, their memory, and errors; beside what the training does."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, Variable, equals, legend
from otelml.rules.packs.gpu import GPU, STATUS
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

CHOSEN = f'{labels(names.HW_ID)}=~"$gpu"'
BY = labels(names.HW_ID)
THROTTLED = (names.HW_ID, names.ML_DEVICE_THROTTLE_REASON)
STATE = (names.HW_ID, names.HW_STATE)
STATES = f"{{{STATUS},{equals(names.HW_TYPE, GPU)},{CHOSEN}}}"


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
                    (
                        Query(f"max by ({BY}) ({_of(metrics.HW_GPU_MEMORY_USAGE)})", legend(names.HW_ID)),
                        Query(f"max by ({BY}) ({_of(metrics.HW_GPU_MEMORY_LIMIT)})", f"limit {legend(names.HW_ID)}"),
                    ),
                    "What an out-of-memory error says, before it comes; of all processes on the GPU.",
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
        (
            "PyTorch's memory",
            (
                Panel(
                    "Allocator",
                    "lines",
                    "bytes",
                    tuple(
                        Query(f"sum by ({BY}) ({_of(metric)})", f"{name} {legend(names.HW_ID)}")
                        for name, metric in (
                            ("allocated", metrics.ML_DEVICE_ALLOCATOR_ALLOCATED),
                            ("reserved", metrics.ML_DEVICE_ALLOCATOR_RESERVED),
                            ("peak", metrics.ML_DEVICE_ALLOCATOR_PEAK),
                        )
                    ),
                    "Of the processes under otelml. Much more reserved than allocated is fragmentation.",
                ),
                Panel(
                    "Retries and out-of-memory errors",
                    "bars",
                    "none",
                    tuple(
                        Query(f"sum by ({BY}) ({_of(metric)})", f"{name} {legend(names.HW_ID)}")
                        for name, metric in (
                            ("retries", metrics.ML_DEVICE_ALLOCATOR_RETRIES),
                            ("out of memory", metrics.ML_DEVICE_ALLOCATOR_ERRORS),
                        )
                    ),
                    "A retry frees the cache and waits for the GPU: slow, and the last thing before the error.",
                ),
            ),
        ),
        (
            "Heat and power",
            (
                Panel(
                    "Temperature",
                    "lines",
                    "celsius",
                    (Query(f"max by ({BY}) ({_of(metrics.HW_TEMPERATURE)})", legend(names.HW_ID)),),
                    "Above 85 degrees most GPUs become slower by themselves.",
                    8,
                ),
                Panel(
                    "Power",
                    "lines",
                    "watt",
                    (Query(f"max by ({BY}) ({_of(metrics.HW_POWER)})", legend(names.HW_ID)),),
                    "Far below the GPU's limit while it is busy: it waits for memory.",
                    8,
                ),
                Panel(
                    "Energy",
                    "bars",
                    "joule",
                    (Query(f"sum by ({BY}) (increase({_of(metrics.HW_ENERGY)}[{WINDOW}]))", legend(names.HW_ID)),),
                    "Joules between two points.",
                    8,
                ),
                Panel(
                    "Throttled",
                    "stacked",
                    "percentunit",
                    (
                        Query(
                            f"max by ({labels(*THROTTLED)}) (rate({_of(metrics.ML_DEVICE_THROTTLE_TIME)}[{WINDOW}]))",
                            legend(*THROTTLED),
                        ),
                    ),
                    "Share of the time in which the clock was held down, by reason.",
                ),
                Panel(
                    "State",
                    "lines",
                    "none",
                    (Query(f"max by ({labels(*STATE)}) ({STATES})", legend(*STATE)),),
                    "1 for the state that the GPU is in.",
                ),
            ),
        ),
    ),
)
