"""GPUs: memory nearly full or used up, idle while a model trains, slowed down or lost, and hardware errors."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.naming import metric_name
from otelml.rules.promql import Series, growth, increase, labels
from otelml.rules.rule import Alert, Group
from otelml.semconv import attributes as names
from otelml.semconv import metrics

GPU = "gpu"
CORRECTED = "corrected"
"""The type of errors of the memory that have done no harm."""
#: Selects the states by name. They are an up-down counter of unit 1, to whose name VictoriaMetrics (1.145) adds
#: `_ratio`, which the Collector and Prometheus don't.
STATUS = f'__name__=~"{metric_name(metrics.HW_STATUS)}(_ratio)?"'


def group(limits: Limits) -> Group:
    """Return the rules."""
    device = labels(names.HW_ID)
    memory = Series(metrics.HW_GPU_MEMORY_UTILIZATION)
    busy = Series(metrics.HW_GPU_UTILIZATION)
    errors = Series(metrics.HW_ERRORS).where(names.HW_TYPE, "=", GPU).where(names.ERROR_TYPE, "!=", CORRECTED)
    bad = f'{labels(names.HW_STATE)}=~"{names.HwState.DEGRADED}|{names.HwState.FAILED}"'
    states = f'{{{STATUS},{labels(names.HW_TYPE)}="{GPU}",{bad}}}'
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
                "GpuOutOfMemory",
                f"{growth(Series(metrics.ML_DEVICE_ALLOCATOR_ERRORS), '15m', names.HW_ID)} > 0",
                "ticket",
                f"PyTorch has run out of memory on GPU {shown}",
                "the panel Allocator of the dashboard GPU: whether the model outgrew the GPU, or memory was in pieces",
                "gpu-out-of-memory",
            ),
            Alert(
                "GpuNotInOrder",
                f"max by ({labels(names.HW_ID, names.HW_STATE)}) ({states}) == 1",
                "ticket",
                f"GPU {shown} is {{{{ $labels.{labels(names.HW_STATE)} }}}}",
                "the panel Throttled of the dashboard GPU: heat, the power supply, or a GPU that needs a reset",
                "gpu-not-in-order",
                "10m",
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
