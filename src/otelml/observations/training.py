"""What a training loop did: steps, epochs, validation passes, checkpoints and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class StepTimes(NamedTuple):
    """The time of one training step by phase, in ns; together they are the step's whole time.

    Attributes:
        data_wait: waiting for the data loader.
        forward: forward pass and loss.
        backward: computing gradients.
        optimizer: updating the parameters.
        other: everything else, such as moving data to a device, clipping, logging and saving.
    """

    data_wait: int
    forward: int
    backward: int
    optimizer: int
    other: int


class TrainingStep(NamedTuple):
    """One training step: the passes since the last update, and the update that ends it.

    Attributes:
        times: by phase.
        samples: number of samples that the gradients are of; 0 where nothing tells.
        tokens: number of tokens in them, padding included; 0 where the inputs are not tokens.
        microbatches: number of backward passes.
        learning_rate: of the first parameter group.
        skipped: whether the update was left out because the scaled gradients were not finite.
    """

    times: StepTimes
    samples: int
    tokens: int
    microbatches: int
    learning_rate: float | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class RunDeclaration:
    """What the application or a framework says about a run of training, which a loop alone cannot tell.

    Attributes:
        id: identifies the run.
        name: the run's name.
        model: the name of the model; the class of the module that is trained where it is not given.
        experiment: the experiment that the run belongs to.
        epochs: the planned number of epochs.
        hyperparameters: name -> value, as text.
        reports_epochs: whether the framework reports epochs and validation passes, so that they are not inferred from
            data loaders.
        reports_checkpoints: whether the framework reports checkpoints, so that they are not inferred from saved files.
    """

    id: str
    name: str | None = None
    model: str | None = None
    experiment: str | None = None
    epochs: int | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    reports_epochs: bool = False
    reports_checkpoints: bool = False


@dataclass(frozen=True, slots=True)
class Validation:
    """One pass over data that is not trained on.

    Attributes:
        seconds: how long it took, waiting for its data included.
        samples: number of samples, 0 where nothing tells.
        loss: the mean of the values of the loss, None where no loss was seen.
        split: a value of `ml.dataset.split`.
    """

    seconds: float
    samples: int = 0
    loss: float | None = None
    split: str = "validation"
