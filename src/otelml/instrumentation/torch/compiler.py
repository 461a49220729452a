"""What `torch.compile` does: compile time, graph breaks, and recompilations with their reason.

PyTorch hands the facts of every compilation to `log_compilation_event`, a function that is there to be replaced
(`torch/_utils_internal.py`, 2.4 to 2.13); it is called once for each frame, outside all tracing. Handlers of its
structured log would see the same, but each payload would be built for them, whole graphs as text among them.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from typing import Any

from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.torch import runtime
from otelml.instrumentation.torch.identity import identity
from otelml.instrumentation.torch.package import SCOPE
from otelml.observations.compilations import Compilation
from otelml.semconv.attributes import CompilePass, CompileRecompileCause, SystemName
from otelml.telemetry import Telemetry
from otelml.telemetry.compilations import Compilations

_GRAPH_BREAK = "graph_break"
_MAX_BREAKS = 20
_MAX_TEXT = 128

_CAUSES = (
    (re.compile(r"size mismatch|stride mismatch|rank mismatch|\.size\(\)|\.stride\(\)|shape|dynamic"), "SHAPE"),
    (re.compile(r"dtype mismatch|\.dtype"), "DATA_TYPE"),
    (re.compile(r"device index mismatch|device mismatch|\.device"), "DEVICE"),
    (re.compile(r"grad_mode|requires_grad|is_inference|inference_mode"), "GRADIENT"),
    (
        re.compile(r"GLOBAL_STATE|dispatch key set|global state|autocast|torch_function|deterministic|num_threads"),
        "GLOBAL_STATE",
    ),
    (re.compile(r"___check_type_id|expected type|type\("), "TYPE"),
    (re.compile(r"___check_obj_id|___check_current|\bis\b|weakref|alias"), "OBJECT"),
    (re.compile(r"==|<=|>=|!=|<|>|___key_to_id|len\(|\bin\b|KeyError|dict version|___dict"), "VALUE"),
)
"""What PyTorch's words for a guard that failed begin to tell, the first that matches counts."""

_recorder: Compilations | None = None
_telemetry: Telemetry | None = None
_breaks: Counter[str] = Counter()
_lock = threading.Lock()
_reasons = threading.local()


def switch_on(telemetry: Telemetry) -> None:
    """Watch the compilations from now on."""
    global _recorder, _telemetry
    if _telemetry is not telemetry:
        _telemetry, _recorder = telemetry, Compilations(SCOPE, telemetry)
    with _lock:
        _breaks.clear()
        _breaks.update(_counted_breaks())
    PATCHES.switch_on()


def switch_off() -> None:
    """Stop watching."""
    PATCHES.switch_off()


@guarded
def _record(metrics: Any) -> None:
    if _recorder is None or getattr(metrics, "is_runtime", False):
        return
    compilation = _compilation(metrics)
    if compilation is not None:
        _recorder.record(compilation)


def _compilation(metrics: Any) -> Compilation | None:
    forward = getattr(metrics, "co_name", None) is not None
    duration = getattr(metrics, "entire_frame_compile_time_s", None)
    microseconds = getattr(metrics, "duration_us", None)
    if duration is None and microseconds is not None:
        duration = microseconds / 1e6
    if duration is None:
        duration = getattr(metrics, "dynamo_time_before_restart_s", None)  # 2.4 tells no more of one that failed
    if duration is None:
        return None
    reason = _recompile_reason(metrics) if forward else None
    module = runtime.inside.get()
    return Compilation(
        system=SystemName.PYTORCH,
        of_pass=CompilePass.FORWARD if forward else CompilePass.BACKWARD,
        duration=float(duration),
        model=identity(module) if module is not None else None,
        id=_text(getattr(metrics, "compile_id", None)),
        function=_text(getattr(metrics, "co_name", None)),
        operations=getattr(metrics, "graph_op_count", None),
        recompile_cause=cause_of(reason) if reason is not None else None,
        recompile_reason=reason,
        graph_breaks=tuple(_new_breaks()),
        error_type=_error_type(metrics),
    )


def _recompile_reason(metrics: Any) -> str | None:
    """The failed guard in words, "" where PyTorch does not tell; None for code that was not compiled before."""
    noted = getattr(_reasons, "last", None)
    _reasons.last = None
    told = getattr(metrics, "recompile_reason", None)
    if told is None and not getattr(metrics, "cache_size", 0):
        return None
    # "0/0: tensor 'x' size mismatch at index 0. expected 4, actual 8"
    return re.sub(r"^\d+/\d+: ", "", str(told or noted or "")).strip()


def cause_of(reason: str) -> str:
    """The kind of a recompilation's reason, a value of `ml.compile.recompile.cause`."""
    for pattern, name in _CAUSES:
        if pattern.search(reason):
            cause: str = getattr(CompileRecompileCause, name)
            return cause
    return CompileRecompileCause.OTHER


def _new_breaks() -> list[str]:
    with _lock:
        counted = _counted_breaks()
        new = counted - _breaks
        _breaks.clear()
        _breaks.update(counted)
    # The first line says what it was; the following ones quote the code, its values, and files.
    lines = [message.partition("\n")[0][:_MAX_TEXT] for message in new.elements()]
    return lines[:_MAX_BREAKS]


def _counted_breaks() -> Counter[str]:
    utils = sys.modules.get("torch._dynamo.utils")
    counters = getattr(utils, "counters", None)
    found = counters.get(_GRAPH_BREAK) if isinstance(counters, dict) else None
    return Counter({str(message): count for message, count in dict(found or {}).items()})


def _error_type(metrics: Any) -> str | None:
    failed = _text(getattr(metrics, "fail_type", None))
    # 2.4 tells the class as `<class 'torch._dynamo.exc.Unsupported'>`.
    return failed and failed.removeprefix("<class '").removesuffix("'>").rpartition(".")[2]


def _text(value: object) -> str | None:
    return str(value)[:_MAX_TEXT] if value is not None else None


def _log(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = function(*args, **kwargs)
    if args:
        _record(args[0])
    return result


def _note_reason(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    reasons = function(*args, **kwargs)
    _keep(reasons)
    return reasons


@guarded
def _keep(reasons: Any) -> None:
    _reasons.last = str(reasons[0]) if isinstance(reasons, (list, tuple)) and reasons else None


PATCHES = PatchTable(
    Patch("torch._dynamo.utils", "log_compilation_event", _log),
    # Before 2.6 the facts lack the reason of a recompilation.
    Patch("torch._dynamo.convert_frame", "get_and_maybe_log_recompilation_reason", _note_reason, True),
)


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


call_in_children(_renew_lock)
