"""What the composition root has joined to the instrumentations: the launcher calls these with no arguments."""

from __future__ import annotations

from otelml.observations.protocols import ConversationKeeper, GenAIObserver, ModelMonitors

_monitors: ModelMonitors | None = None
_genai_observers: tuple[GenAIObserver, ...] = ()
_conversations: ConversationKeeper | None = None


def monitors() -> ModelMonitors | None:
    """What watches the models of this process; None where nothing was put together."""
    return _monitors


def join(watching: ModelMonitors | None) -> None:
    """Have the models of this process watched by these monitors."""
    global _monitors
    _monitors = watching


def genai_observers() -> tuple[GenAIObserver, ...]:
    """Who is told of the calls of GenAI clients of this process."""
    return _genai_observers


def join_genai_observers(*observers: GenAIObserver) -> None:
    """Have the calls of GenAI clients of this process told to these."""
    global _genai_observers
    _genai_observers = observers


def conversations() -> ConversationKeeper | None:
    """Who keeps the totals of conversations; None where nobody does."""
    return _conversations


def join_conversations(keeper: ConversationKeeper | None) -> None:
    """Have the totals of conversations kept by this one."""
    global _conversations
    _conversations = keeper
