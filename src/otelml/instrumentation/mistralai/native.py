"""Whether Mistral's client will make a span of its own for a call, among the spans of the application.

Release 2 does so wherever the global tracer provider is a real one. Release 3 is told to, by an option of the client or
by a variable: `global` and a given provider are the application's; `dedicated` sends to Mistral and leaves the
application without a span.
"""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

from otelml.telemetry.genai import Owner

_VARIABLE = "MISTRAL_SDK_TELEMETRY"
_GLOBAL = "global"
_OWNER = Owner("mistralai_sdk_tracer", has_metrics=False)


def owner_of(configuration: Any) -> Owner | None:
    """Who has a span for the calls of a client.

    Args:
        configuration: the client's `sdk_configuration`.
    """
    hooks = configuration.__dict__.get("_hooks")
    hook = next((it for it in getattr(hooks, "before_request_hooks", ()) if type(it).__name__ == "TracingHook"), None)
    if hook is None:
        return None
    provider = getattr(hook, "tracer_provider", None)
    if provider is not None:
        return None if provider is getattr(hook, "_auto_telemetry_provider", None) else _OWNER
    if isinstance(get_tracer_provider(), ProxyTracerProvider):
        return None
    return _OWNER if _takes_the_global(hook, configuration) else None


def _takes_the_global(hook: Any, configuration: Any) -> bool:
    taken = getattr(hook, "_telemetry_use_global_provider", None)
    if taken is None:  # release 2
        return True
    if taken or hook._telemetry_auto_disabled:
        return bool(taken)
    # Not decided before the client's first call.
    setting = getattr(configuration, "telemetry", None)
    chosen = setting if isinstance(setting, (bool, str)) else os.environ.get(_VARIABLE)
    return isinstance(chosen, str) and chosen.strip().lower() == _GLOBAL
