"""The bodies of the public functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from otelml.observations.model import MAX_NAME_LENGTH
from otelml.observations.profile import write_identity
from otelml.semconv.attributes import ModelTask

_M = TypeVar("_M")

_TASKS = {value for name, value in vars(ModelTask).items() if name.isupper()}


def instrument(**settings: Any) -> None:
    """Switch otelml on, in one line.

    Sets up OpenTelemetry providers that export over OTLP, as the `OTEL_*` variables say, for every signal for which the
    application has none; then instruments the libraries that are installed, now or when they are imported. Safe to call
    twice, from any thread, and again after `uninstrument`; a second call puts its settings in force. Not needed under
    `opentelemetry-instrument`.

    Args:
        **settings: any setting of docs/settings.md, such as `overhead_budget="1%"`. An argument wins over
            `OTELML_<NAME>` in the environment, which wins over the default.

    Raises:
        ValueError: a wrong value or an unknown setting, in the arguments or the environment.
    """
    # Imported here: an application that only describes its models does not pay for the SDK.
    from otelml import distro

    distro.instrument(settings)


def uninstrument() -> None:
    """Switch otelml off: restore every function that nobody patched after us, and leave the others inert.

    The providers stay, since OpenTelemetry's are set once a process; they export what was counted until then.
    """
    from otelml import distro

    distro.uninstrument()


def describe(
    model: _M,
    *,
    name: str | None = None,
    version: str | int | None = None,
    task: str | None = None,
    feature_names: Iterable[str] | None = None,
) -> _M:
    """Say who a model is; its telemetry then bears this name and version.

    What is said stays with the model through pickle, joblib, skops and deepcopy. What is left out keeps what was said
    before, or follows from the class.

    Args:
        model: an estimator, fitted or not.
        name: the model's name, at most 256 characters.
        version: the model's version.
        task: a value of `ml.model.task`, such as "classification".
        feature_names: the names of the input columns, in order.

    Returns:
        The model itself.

    Raises:
        ValueError: an empty or overlong name or version, an unknown task, a wrong number of feature names, or nothing
            to say.
        TypeError: a value of another type, or a model that takes no attributes.
    """
    if isinstance(model, type):
        raise TypeError(f"describe() takes a model, not the class {model.__name__}.")
    features = None if feature_names is None else _feature_names(model, feature_names)
    if name is None and version is None and task is None and features is None:
        raise ValueError("describe() needs something to say: name, version, task or feature_names.")
    if task is not None and task not in _TASKS:
        raise ValueError(f"task={task!r} is unknown: expected one of {', '.join(sorted(_TASKS))}.")
    said = {
        "name": _text("name", name),
        "version": _text("version", str(version) if isinstance(version, int) else version),
        "task": task,
        "feature_names": features,
    }
    write_identity(model, said)
    return model


def _text(argument: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a string, not {type(value).__name__}.")
    if not 0 < len(value) <= MAX_NAME_LENGTH:
        raise ValueError(f"{argument} has {len(value)} characters: give 1 to {MAX_NAME_LENGTH}.")
    return value


def _feature_names(model: object, names: Iterable[str]) -> tuple[str, ...]:
    features = tuple(names)
    if isinstance(names, str) or not all(isinstance(feature, str) for feature in features):
        raise TypeError("feature_names must be strings, one for each input column.")
    expected = getattr(model, "n_features_in_", None)
    if isinstance(expected, int) and expected != len(features):
        raise ValueError(f"feature_names has {len(features)} names, but the model takes {expected} features.")
    return features
