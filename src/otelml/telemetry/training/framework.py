"""What frameworks report of the training that they run, beside what the hooks of the loop see."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from otelml._guard import guarded
from otelml.observations import MAX_NAME_LENGTH, ModelIdentity
from otelml.observations.profile import identity_in, profile_of
from otelml.observations.training import RunDeclaration, Validation
from otelml.semconv.attributes import DatasetSplit, SystemName, TrainingCheckpointOperation
from otelml.settings import Settings
from otelml.telemetry.handler import Telemetry
from otelml.telemetry.training.declared import as_text, begin
from otelml.telemetry.training.emission import training_telemetry
from otelml.telemetry.training.run import TrainingRun

_SPLITS = {
    "train": DatasetSplit.TRAIN,
    "training": DatasetSplit.TRAIN,
    "val": DatasetSplit.VALIDATION,
    "valid": DatasetSplit.VALIDATION,
    "validation": DatasetSplit.VALIDATION,
    "eval": DatasetSplit.VALIDATION,
    "test": DatasetSplit.TEST,
}
"""What the names of logged metrics begin with."""

_LOSS = "loss"
_NOT_SCORES = {
    "epoch",
    "step",
    "global_step",
    "total_flos",
    "runtime",
    "samples_per_second",
    "steps_per_second",
    "tokens_per_second",
    "learning_rate",
    "lr",
    "grad_norm",
    "num_input_tokens_seen",
}
"""What frameworks log besides losses and scores; the counters tell it, or it is no property of the model."""


class FrameworkRun:
    """The run that a framework's trainer does, from its first event to its last."""

    def __init__(
        self,
        telemetry: Telemetry,
        settings: Settings,
        model: object | None,
        *,
        name: str | None = None,
        epochs: int | None = None,
        hyperparameters: Mapping[str, object] | None = None,
        reports_epochs: bool = False,
        reports_checkpoints: bool = False,
    ) -> None:
        """Declare the run to the hooks of the loop inside it.

        Args:
            telemetry: of the framework's instrumentation.
            settings: in force.
            model: what is trained, None where the framework does not tell.
            name: the run's name.
            epochs: the planned number of epochs.
            hyperparameters: name -> value.
            reports_epochs: whether the framework reports epochs and validation passes.
            reports_checkpoints: whether it reports checkpoints.
        """
        self._training = training_telemetry(telemetry, settings)
        self._model = None if model is None else _identity(model)
        self.declared = RunDeclaration(
            id=uuid.uuid4().hex,
            name=name[:MAX_NAME_LENGTH] if name else None,
            model=self._model.name if self._model else None,
            epochs=epochs,
            hyperparameters=as_text(hyperparameters or {}),
            reports_epochs=reports_epochs,
            reports_checkpoints=reports_checkpoints,
        )
        self._end: Callable[[BaseException | None], None] = begin(self.declared)

    @property
    def run(self) -> TrainingRun:
        """The run as the loop's hooks report it; one of our own where they are switched off."""
        known = self._training.declared_run(self.declared)
        return known or self._training.run(self._model, SystemName.PYTORCH, self.declared)

    @guarded
    def end_epoch(self) -> None:
        """An epoch has ended."""
        self.run.end_epoch()

    @guarded
    def saved(self) -> None:
        """A checkpoint was written."""
        self.run.checkpoint(TrainingCheckpointOperation.SAVE, None)

    @guarded
    def validated(self, seconds: float, metrics: Mapping[str, Any], split: str = DatasetSplit.VALIDATION) -> None:
        """A validation pass has ended, with the metrics that were logged of it."""
        self.run.validated(Validation(seconds, split=split))
        self.logged(metrics, split)

    @guarded
    def logged(self, metrics: Mapping[str, Any], split: str = DatasetSplit.TRAIN) -> None:
        """Metrics were logged: losses, scores, and what the loop's hooks tell better, which is left out.

        Args:
            metrics: name -> value; what is no number is left out.
            split: what the metrics are of whose name does not tell.
        """
        run = self.run
        for logged, value in metrics.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            of, name = split_name(str(logged), split)
            if name in _NOT_SCORES:
                continue
            if name == _LOSS or name.endswith(f"_{_LOSS}"):
                # The loop's own loss is read at each step; the framework's is a mean of it.
                if name != _LOSS or of != DatasetSplit.TRAIN or not run.steps:
                    run.loss(float(value), of, None if name == _LOSS else name[:MAX_NAME_LENGTH])
            else:
                run.logged(name[:MAX_NAME_LENGTH], float(value), of)

    @guarded
    def end(self, error: BaseException | None = None) -> None:
        """The trainer has ended, by an error if there is one."""
        self._end(error)


def split_name(name: str, split: str) -> tuple[str, str]:
    """The split that a logged metric is of, as its name tells, and the name without that.

    Example:
        >>> split_name("val_acc", "train"), split_name("test/f1", "train"), split_name("acc", "train")
        (('validation', 'acc'), ('test', 'f1'), ('train', 'acc'))
    """
    for separator in ("/", "_", "."):
        first, found, rest = name.partition(separator)
        if found and rest and first.lower() in _SPLITS:
            return _SPLITS[first.lower()], rest
    return split, name


def _identity(model: object) -> ModelIdentity:
    said = identity_in(profile_of(model))
    architecture = type(model).__name__
    return ModelIdentity(
        name=said.get("name") or architecture[:MAX_NAME_LENGTH],
        system=SystemName.PYTORCH,
        version=said.get("version"),
        id=said.get("id"),
        task=said.get("task"),
        architecture=architecture[:MAX_NAME_LENGTH],
    )
