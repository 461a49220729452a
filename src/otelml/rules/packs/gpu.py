"""GPUs: memory nearly full, idle while a model trains, and hardware errors."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.promql import Series, growth, increase, labels
from otelml.rules.rule import Alert, Group
from otelml.semconv import attributes as names
from otelml.semconv import metrics

GPU = "gpu"
CORRECTED = "corrected"
"""The type of errors of the memory that have done no harm."""


def group(limits: Limits) -> Group:
    """Return the rules."""
    device = labels(names.HW_ID)
    memory = Series(metrics.HW_GPU_MEMORY_UTILIZATION)
    busy = Series(metrics.HW_GPU_UTILIZATION)
    errors = Series(metrics.HW_ERRORS).where(names.HW_TYPE, "=", GPU).where(names.ERROR_TYPE, "!=", CORRECTED)
    shown = "{{ $labels." + device + " }}"
    return Group(
        "gpu",
        (
            Alert(
                "GpuMemoryNearlyFull",
                f"max by ({device}) (min_over_time({memory}[10m])) > {limits['memoryRatio']:g}",
                "ticket",
                f"{{{{ $value | humanizePercentage }}}} of the memory of GPU {shown} are in use",
                "the panel Memory of the dashboard GPU: whether it grows step by step, or another process shares it",
                "gpu-memory-nearly-full",
            ),
            Alert(
                "GpuIdleWhileTraining",
                f"max by ({device}) (avg_over_time({busy}[15m])) < {limits['idleRatio']:g}"
                f" and on() ({increase(Series(metrics.ML_TRAINING_STEPS), '15m')} > 0)",
                "ticket",
                f"GPU {shown} is {{{{ $value | humanizePercentage }}}} busy while a model trains",
                "the panel Time by phase of the dashboard Training: what the GPU waits for, data or other workers",
                "gpu-idle-while-training",
                "15m",
            ),
            Alert(
                "GpuErrors",
                f"{growth(errors, '15m', names.HW_ID, names.ERROR_TYPE)} > 0",
                "page",
                f"GPU {shown} reports {{{{ $labels.{labels(names.ERROR_TYPE)} }}}}",
                "the kernel's log for the code of the error; results since then may be wrong",
                "gpu-errors",
            ),
        ),
    )
