"""What a trainer's events are reported as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from transformers.trainer_callback import TrainerCallback

from otelml._guard import guarded
from otelml.settings import Settings
from otelml.telemetry import Telemetry
from otelml.telemetry.training.framework import FrameworkRun

_HYPERPARAMETERS = (
    "learning_rate",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_train_epochs",
    "max_steps",
    "weight_decay",
    "warmup_steps",
    "max_grad_norm",
    "seed",
    "bf16",
    "fp16",
)
_RUNTIME = "_runtime"

_on: tuple[Telemetry, Settings] | None = None
_runs: WeakKeyDictionary[Any, FrameworkRun] = WeakKeyDictionary()


def switch_on(telemetry: Telemetry, settings: Settings) -> None:
    """Report trainers that begin from now on."""
    global _on
    _on = (telemetry, settings)


def switch_off() -> None:
    """Report nothing more."""
    global _on
    _on = None
    for run in list(_runs.values()):
        run.end()
    _runs.clear()


@guarded
def _begin(callback: Any, args: Any, model: Any) -> None:
    if _on is None:
        return
    before = _runs.pop(callback, None)
    if before is not None:  # `train` was left by an error, of which no event tells
        before.end()
    epochs = int(args.num_train_epochs)
    _runs[callback] = FrameworkRun(
        *_on,
        model,
        name=args.run_name if args.run_name and args.run_name != args.output_dir else None,
        epochs=epochs if args.max_steps <= 0 and epochs > 0 else None,
        hyperparameters={name: getattr(args, name) for name in _HYPERPARAMETERS if hasattr(args, name)},
        reports_epochs=True,
        reports_checkpoints=True,
    )


@guarded
def _evaluated(run: FrameworkRun, metrics: Mapping[str, Any]) -> None:
    seconds = next((value for name, value in metrics.items() if name.endswith(_RUNTIME)), 0.0)
    run.validated(float(seconds), metrics)


@guarded
def _logged(run: FrameworkRun, logs: Mapping[str, Any]) -> None:
    # Evaluations have an event of their own, with the same metrics; the last log sums the whole run up.
    if not any(name.endswith(_RUNTIME) for name in logs):
        run.logged(logs)


@guarded
def _end(callback: Any) -> None:
    run = _runs.pop(callback, None)
    if run is not None:
        run.end()


class OtelmlCallback(TrainerCallback):
    """Reports what a trainer does; holds nothing."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """`train` begins."""
        _begin(self, args, kwargs.get("model"))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """`train` has ended."""
        _end(self)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """An epoch has ended."""
        run = _runs.get(self)
        if run is not None:
            run.end_epoch()

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """An evaluation has ended."""
        run = _runs.get(self)
        if run is not None:
            _evaluated(run, kwargs.get("metrics") or {})

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Metrics were logged."""
        run = _runs.get(self)
        if run is not None:
            _logged(run, kwargs.get("logs") or {})

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A checkpoint was written."""
        run = _runs.get(self)
        if run is not None:
            run.saved()
