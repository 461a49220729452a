"""OpenTelemetry's completion hook: what takes content to a place of its own, such as the built-in upload."""

from __future__ import annotations

import os
from typing import Any, Protocol

from opentelemetry.util._importlib_metadata import entry_points

from otelml._guard import guarded

HOOK = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
GROUP = "opentelemetry_genai_completion_hook"
"""The variable and the entry points of opentelemetry-util-genai 1.3b0, which brings the hook `upload`."""


class CompletionHook(Protocol):
    """Takes the content of one call, as OpenTelemetry defines it."""

    def on_completion(self, **content: Any) -> None:
        """Take `inputs`, `outputs`, `system_instruction`, `tool_definitions`, `span` and `log_record`."""
        ...


_loaded: dict[str, CompletionHook] = {}


@guarded
def completion_hook() -> CompletionHook | None:
    """The hook that the environment names, made once a process; None where it names none.

    Raises:
        ValueError: (contained and logged) there is no hook of that name.
    """
    name = os.environ.get(HOOK, "").strip()
    if not name:
        return None
    if name not in _loaded:
        found = {point.name: point for point in entry_points(group=GROUP)}
        if name not in found:
            raise ValueError(f"{HOOK}={name!r} is not installed; there are: {', '.join(sorted(found)) or 'none'}.")
        _loaded[name] = found[name].load()()
    return _loaded[name]
