"""The base of the instrumentors of GenAI clients: a scope, the versions, and a table of patches."""

from __future__ import annotations

from typing import Any

from otelml import settings as settings_module
from otelml.instrumentation._base import LibraryInstrumentor
from otelml.instrumentation._genai.calls import Calls
from otelml.instrumentation._patches import PatchTable
from otelml.observations import joined
from otelml.settings import Settings
from otelml.telemetry.genai import GenAITelemetry


class GenAIInstrumentor(LibraryInstrumentor):
    """Base of the instrumentors of GenAI clients. A subclass names its scope, its library, and these two.

    `instrument()` takes the providers, `settings`, and `observers` of GenAI calls.

    Attributes:
        calls: the library's calls, which get their telemetry when the instrumentation is switched on.
        patches: what is replaced in the library.
    """

    calls: Calls
    patches: PatchTable

    _genai: GenAITelemetry | None = None

    def _instrument(self, **kwargs: Any) -> None:
        settings: Settings = kwargs.get("settings") or settings_module.current()
        providers = (kwargs.get("tracer_provider"), kwargs.get("meter_provider"), kwargs.get("logger_provider"))
        if self._genai is None or self._providers != providers:
            self._genai = GenAITelemetry(self.scope, *providers)
            self._providers = providers
        given = kwargs.get("observers")
        self._genai.observers = tuple(joined.genai_observers() if given is None else given)
        self._genai.configure(settings)
        self.calls.telemetry = self._genai
        self.patches.switch_on()

    def configure(self, settings: Settings) -> None:
        """Put settings in force while the instrumentation is on."""
        if self._genai is not None:
            self._genai.observers = tuple(joined.genai_observers()) or self._genai.observers
            self._genai.configure(settings)

    def _switch_off(self) -> None:
        self.patches.switch_off()
        self.calls.telemetry = None
