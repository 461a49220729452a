"""What a trainer's events are reported as. The state is here, not on the callback, which is pickled and copied."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

from otelml._guard import guarded
from otelml.instrumentation import _passes
from otelml.semconv.attributes import DatasetSplit
from otelml.settings import Settings
from otelml.telemetry import Telemetry
from otelml.telemetry.training.framework import FrameworkRun


class _Fit:
    """A trainer's call of `fit`, `validate` or `test`."""

    def __init__(self, run: FrameworkRun) -> None:
        self.run = run
        self.pass_began = 0.0
        self.before_pass: dict[str, float] = {}
        self.of_passes: dict[str, float] = {}


_on: tuple[Telemetry, Settings] | None = None
_fits: WeakKeyDictionary[Any, _Fit] = WeakKeyDictionary()


def switch_on(telemetry: Telemetry, settings: Settings) -> None:
    """Report trainers that begin from now on."""
    global _on
    _on = (telemetry, settings)


def switch_off() -> None:
    """Report nothing more."""
    global _on
    _on = None
    _fits.clear()


def is_on() -> bool:
    """Whether trainers are reported."""
    return _on is not None


@guarded
def _begin(trainer: Any, module: Any, *, fits: bool) -> None:
    if _on is None or trainer in _fits:
        return
    _fits[trainer] = _Fit(
        FrameworkRun(
            *_on,
            module,
            epochs=trainer.max_epochs if fits and (trainer.max_epochs or 0) > 0 else None,
            hyperparameters=_scalars(getattr(module, "hparams", None)),
            reports_epochs=True,
        )
    )


@guarded
def _end(trainer: Any, error: BaseException | None = None) -> None:
    _passes.ends()
    fit = _fits.pop(trainer, None)
    if fit is not None:
        fit.run.end(error)


@guarded
def _pass_begins(trainer: Any) -> None:
    fit = _fits.get(trainer)
    if fit is not None:
        _passes.begins()
        fit.pass_began = perf_counter()
        fit.before_pass = _numbers(trainer)


@guarded
def _pass_ends(trainer: Any, split: str) -> None:
    _passes.ends()
    fit = _fits.get(trainer)
    if fit is None or trainer.sanity_checking:
        return
    # The trainer has one mapping for the metrics of all splits: those that the pass has changed are its own.
    logged = {name: value for name, value in _numbers(trainer).items() if fit.before_pass.get(name) != value}
    fit.of_passes.update(logged)
    fit.run.validated(perf_counter() - fit.pass_began, logged, split)


@guarded
def _epoch_ends(trainer: Any) -> None:
    fit = _fits.get(trainer)
    if fit is not None:
        fit.run.end_epoch()
        fit.run.logged({name: value for name, value in _numbers(trainer).items() if name not in fit.of_passes})


def _numbers(trainer: Any) -> dict[str, float]:
    """The metrics logged so far, each a tensor of one element, on the CPU or to be brought there as a logger would."""
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def _scalars(hyperparameters: Any) -> Mapping[str, object]:
    return dict(hyperparameters) if isinstance(hyperparameters, Mapping) else {}


class Hooks:
    """A callback's methods that report something."""

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """`fit` begins."""
        _begin(trainer, pl_module, fits=True)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """`fit` has ended."""
        _end(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """The trainer has raised."""
        _end(trainer, exception)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """An epoch has ended."""
        _epoch_ends(trainer)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """A validation pass begins, inside `fit` or alone."""
        _begin(trainer, pl_module, fits=False)
        _pass_begins(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """A validation pass has ended."""
        _pass_ends(trainer, DatasetSplit.VALIDATION)

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """A test pass begins."""
        _begin(trainer, pl_module, fits=False)
        _pass_begins(trainer)

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """A test pass has ended."""
        _pass_ends(trainer, DatasetSplit.TEST)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """A call of the trainer has ended."""
        _end(trainer)
