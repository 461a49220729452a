"""The bodies of the public functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
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
    reference: Any = None,
    target: Any = None,
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
        reference: what live data are compared with: the training data as a table of shape (n, columns), a
            `otelml.monitors.Reference`, or the path of one that was saved. Not needed for a model that was fitted while
            otelml was on. Counts by bin are kept on the model, no rows.
        target: the labels of the training data, of shape (n,), where `reference` is a table.

    Returns:
        The model itself.

    Raises:
        ValueError: an empty or overlong name or version, an unknown task, a wrong number of feature names, a file that
            holds no reference, or nothing to say.
        TypeError: a value of another type, or a model that takes no attributes.
        OSError: the file of a reference cannot be read.
    """
    if isinstance(model, type):
        raise TypeError(f"describe() takes a model, not the class {model.__name__}.")
    features = None if feature_names is None else _feature_names(model, feature_names)
    if name is None and version is None and task is None and features is None and reference is None:
        raise ValueError("describe() needs something to say: name, version, task, feature_names or reference.")
    if target is not None and reference is None:
        raise ValueError("target goes with reference: give the training data, too.")
    if task is not None and task not in _TASKS:
        raise ValueError(f"task={task!r} is unknown: expected one of {', '.join(sorted(_TASKS))}.")
    said = {
        "name": _text("name", name),
        "version": _text("version", str(version) if isinstance(version, int) else version),
        "task": task,
        "feature_names": features,
    }
    if reference is not None:
        _leave_reference(model, reference, target, features)
    write_identity(model, said)
    return model


def tool(
    name: str | Callable[..., Any] | None = None,
    *,
    description: str | None = None,
    type: str = "function",
    call_id: str | None = None,
) -> Any:
    """Report a tool that an agent calls: a span `execute_tool NAME` and its duration, around a function or a block.

    Functions, coroutine functions, generators and asynchronous generators keep their signature and what they are.
    Arguments and result are recorded only where content is (docs/settings.md, `genai_content`).

    Args:
        name: the tool's name; the function's by default.
        description: what it does.
        type: a value of `gen_ai.tool.type`, such as "function", "extension" or "datastore".
        call_id: the id of the call, as the model gave it.

    Example:
        >>> @tool
        ... def search(query: str) -> list[str]:
        ...     return []
        >>> with tool("search", call_id="call_1"):
        ...     pass
    """
    from otelml.semconv import attributes as names
    from otelml.telemetry.genai.activity import TOOL

    about = {
        names.GEN_AI_TOOL_TYPE: type,
        names.GEN_AI_TOOL_DESCRIPTION: description,
        names.GEN_AI_TOOL_CALL_ID: call_id,
    }
    return _around(TOOL, name, about)


def agent(
    name: str | Callable[..., Any] | None = None,
    *,
    id: str | None = None,
    description: str | None = None,
    version: str | None = None,
) -> Any:
    """Report an agent's run: a span `invoke_agent NAME` and its duration, around a function or a block as for `tool`.

    Args:
        name: the agent's name; the function's by default. Tools inside bear it.
        id: the agent's id.
        description: what it does.
        version: its version.
    """
    from otelml.semconv import attributes as names
    from otelml.telemetry.genai.activity import AGENT

    about = {
        names.GEN_AI_AGENT_ID: id,
        names.GEN_AI_AGENT_DESCRIPTION: description,
        names.GEN_AI_AGENT_VERSION: version,
    }
    return _around(AGENT, name, about)


def workflow(name: str | Callable[..., Any] | None = None) -> Any:
    """Report a workflow of agents and tools: a span `invoke_workflow NAME` and its duration, as for `tool`.

    Args:
        name: the workflow's name; the function's by default.
    """
    from otelml.telemetry.genai.activity import WORKFLOW

    return _around(WORKFLOW, name, {})


def _around(kind: Any, name: object, about: Mapping[str, str | None]) -> Any:
    from otelml.telemetry.genai.decorating import Around

    known = {key: value for key, value in about.items() if value is not None}
    if callable(name):
        return Around(kind, None, known)(name)
    if name is not None and (not isinstance(name, str) or not name):
        raise TypeError(f"A name must be a non-empty string, not {name!r}.")
    return Around(kind, name, known)


def snapshot(path: str | PathLike[str]) -> None:
    """Write the state of all monitors of this process to a file, for `restore` and for `otelml report`.

    Args:
        path: of the file, written as JSON; it holds counts by bin and category, no rows.

    Raises:
        OSError: the file cannot be written.
    """
    from otelml import distro

    distro.snapshot(path)


def restore(path: str | PathLike[str]) -> None:
    """Let the monitors go on from a file that `snapshot` has written, so that a restart forgets nothing.

    The state of a model is taken up when it is called first; a model with another name, version or reference starts
    anew. What this process has counted before is replaced.

    Args:
        path: of the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no state, or one of a newer release; nothing is changed then.
    """
    from otelml import distro

    distro.restore(path)


def _leave_reference(model: object, reference: Any, target: Any, features: tuple[str, ...] | None) -> None:
    # Imported here: an application that leaves this out does not pay for it.
    from otelml.monitors.live import DESCRIBE, leave_reference
    from otelml.monitors.reference import Reference

    name = DESCRIBE
    if isinstance(reference, (str, PathLike)):
        name = Path(reference).stem[:MAX_NAME_LENGTH]
        reference = Reference.load(Path(reference))
    elif not isinstance(reference, Reference):
        reference = Reference.build(reference, target=target, feature_names=features)
    leave_reference(reference, name, model)


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
