"""The protocols that join the rooms; `distro` puts the two sides together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from otelml.observations.calls import Call
from otelml.observations.findings import Finding
from otelml.observations.genai import GenAICall, Value
from otelml.observations.model import ModelIdentity
from otelml.observations.states import ModelState, ReferenceChange


class Observer(Protocol):
    """Takes every outermost call, on the caller's thread: the work is bounded, and what is kept is copied."""

    def observe(self, call: Call) -> None:
        """Take one call."""
        ...


class Intake(Protocol):
    """Takes what one method of one model was given and what it returned, on the caller's thread.

    It is called after every call of the hot path, so the work is bounded by a share of the call's duration, and what is
    kept is copied.

    Attributes:
        skip: how many calls it passes over from now on. A hot path may count it down itself, instead of calling.
    """

    skip: int

    def __call__(self, arguments: Sequence[Any], keywords: Mapping[str, Any], result: Any, duration: int) -> None:
        """Take one call.

        Args:
            arguments: the host's positional arguments, the model first.
            keywords: the host's keyword arguments.
            result: the host's result.
            duration: of the call, in ns.
        """
        ...


class ModelMonitors(Protocol):
    """What watches the inputs and outputs of models."""

    def intake(self, model: object, identity: ModelIdentity, method: str) -> Intake | None:
        """What takes the calls of a model's method from now on, `partial_fit` too; None where they are not watched."""
        ...

    def learned(
        self, model: object, identity: ModelIdentity, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> None:
        """Take it that an outermost call has fitted a model anew with these arguments, without the model itself."""
        ...


class FindingSink(Protocol):
    """Takes what monitors say."""

    def found(self, model: ModelIdentity, reference: str, finding: Finding) -> None:
        """Take one finding about a model, compared with the reference of that name."""
        ...

    def reference_changed(self, model: ModelIdentity, change: ReferenceChange) -> None:
        """Take it that a reference was taken into use, or refused."""
        ...


class MeasurementSource(Protocol):
    """What monitors have counted, read when metrics are collected."""

    def model_states(self) -> Iterable[ModelState]:
        """The state of every model that is watched."""
        ...


class GenAIObserver(Protocol):
    """Takes every call of a GenAI client, on the thread that ended it: the work is bounded."""

    def observe_genai(self, call: GenAICall) -> Mapping[str, Value] | None:
        """Take one call; what is returned goes on the call's span, just before that ends, if it is ours."""
        ...


class ConversationKeeper(Protocol):
    """Keeps the totals of conversations."""

    def complete(self, conversation_id: str) -> None:
        """Take it that the application has ended a conversation."""
        ...
