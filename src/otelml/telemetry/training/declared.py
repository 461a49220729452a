"""What the application or a framework says about the training that it runs, for the loop's hooks to find."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from otelml._guard import guarded
from otelml.observations.model import MAX_NAME_LENGTH
from otelml.observations.training import RunDeclaration
from otelml.telemetry.errors import error_type

_MAX_HYPERPARAMETERS = 64

Listener = Callable[[RunDeclaration, str | None], None]

_declared: ContextVar[RunDeclaration | None] = ContextVar("otelml_training", default=None)
_listeners: list[weakref.WeakMethod[Listener]] = []


current: Callable[[], RunDeclaration | None] = _declared.get
"""What was declared around the code that runs now."""


def undeclared() -> RunDeclaration:
    """A run about which nothing was said but that it is one."""
    return RunDeclaration(uuid.uuid4().hex)


def begin(declared: RunDeclaration) -> Callable[[BaseException | None], None]:
    """Declare a run from now on; what is returned ends it, with the exception that ended it, if any.

    No token is kept: a framework's callbacks may begin and end in different contexts.
    """
    outer = _declared.get()
    _declared.set(declared)

    def end(error: BaseException | None) -> None:
        if _declared.get() is declared:
            _declared.set(outer)
        _ended(declared, error_type(error) if error is not None else None)

    return end


def on_end(listener: Listener) -> None:
    """Have a bound method called with every declared run that ends and the type of the error that ended it.

    It is called as long as the method's object lives.
    """
    _listeners[:] = [known for known in _listeners if known() is not None]
    _listeners.append(weakref.WeakMethod(listener))


@guarded
def _ended(declared: RunDeclaration, failed: str | None) -> None:
    for known in list(_listeners):
        listener = known()
        if listener is not None:
            listener(declared, failed)


@contextmanager
def training(
    name: str | None = None,
    *,
    model: str | None = None,
    experiment: str | None = None,
    epochs: int | None = None,
    hyperparameters: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """Say that a block is one run of training, and what it is called.

    Without it a loop is seen all the same: a run then begins with its first step and ends with the process.

    Args:
        name: the run's name, such as "lr-sweep-7".
        model: the name of the model; by default that of `otelml.describe`, else the class.
        experiment: the name of the experiment that the run belongs to.
        epochs: the planned number of epochs.
        hyperparameters: name -> value; recorded on the run's span, as text, at most 64.

    Yields:
        The id of the run, the value of `ml.training.run.id`.

    Raises:
        TypeError: a name that is not a string, or hyperparameters that are not a mapping.
        ValueError: an empty or overlong name, or a number of epochs below 1.

    Example:
        >>> with training("lr-sweep-7", hyperparameters={"lr": 0.1}) as run_id:
        ...     pass  # the loop
    """
    declared = RunDeclaration(
        id=uuid.uuid4().hex,
        name=_text("name", name),
        model=_text("model", model),
        experiment=_text("experiment", experiment),
        epochs=_positive("epochs", epochs),
        hyperparameters=_hyperparameters(hyperparameters),
    )
    end = begin(declared)
    try:
        yield declared.id
    except BaseException as error:
        end(error)
        raise
    else:
        end(None)


def as_text(values: Mapping[str, object]) -> dict[str, str]:
    """Hyperparameters as text: the scalars among them, bounded in number and length."""
    scalars = {str(key): value for key, value in values.items() if isinstance(value, (str, bool, int, float))}
    return {key: str(value)[:MAX_NAME_LENGTH] for key, value in list(scalars.items())[:_MAX_HYPERPARAMETERS]}


def _hyperparameters(values: object) -> dict[str, str]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise TypeError(f"hyperparameters must be a mapping of names to values, not {type(values).__name__}.")
    return as_text(values)


def _text(argument: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a string, not {type(value).__name__}.")
    if not 0 < len(value) <= MAX_NAME_LENGTH:
        raise ValueError(f"{argument} has {len(value)} characters: give 1 to {MAX_NAME_LENGTH}.")
    return value


def _positive(argument: str, value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{argument} must be a whole number, not {type(value).__name__}.")
    if value < 1:
        raise ValueError(f"{argument}={value}: give at least 1.")
    return value
