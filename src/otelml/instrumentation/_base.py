"""What all instrumentors share: telemetry for their scope, and the check of their library's version."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar

from opentelemetry.instrumentation.dependencies import DependencyConflict, get_dependency_conflicts
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from otelml import settings as settings_module
from otelml.observations import ModelMonitors, joined
from otelml.settings import Settings
from otelml.telemetry import Telemetry


class LibraryInstrumentor(BaseInstrumentor):
    """What all of otelml's instrumentors are: of one library, in some of its versions.

    Attributes:
        scope: the name of the instrumentation scope.
        requires: the requirement that the library must meet.
        requires_any: requirements of which one is enough, in place of `requires`.
    """

    scope: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ()
    requires_any: ClassVar[tuple[str, ...]] = ()

    _providers: tuple[Any, ...] = ()

    def instrumentation_dependencies(self) -> Collection[str]:
        """The library that is instrumented, with its versions."""
        return self.requires or self.requires_any

    def _check_dependency_conflicts(self) -> DependencyConflict | None:
        return get_dependency_conflicts(self.requires, self.requires_any)

    def instrument(self, **kwargs: Any) -> Any:
        """Switch the instrumentation on; see the class for the arguments.

        The launcher passes `skip_dep_check`, having checked the extras of the *distribution*. Ours has many
        instrumentors, so that says nothing about this library (opentelemetry-instrumentation 0.66b): the check is made
        here, and raises for the launcher to log.
        """
        if kwargs.pop("skip_dep_check", False):
            kwargs["raise_exception_on_conflict"] = True
        return super().instrument(**kwargs)

    @abstractmethod
    def configure(self, settings: Settings) -> None:
        """Put settings in force while the instrumentation is on."""

    def _uninstrument(self, **_kwargs: Any) -> None:
        self._switch_off()

    @abstractmethod
    def _switch_off(self) -> None:
        """Restore what is still ours."""


class MLInstrumentor(LibraryInstrumentor):
    """Base of the instrumentors of model libraries. A subclass names its library and says what to switch on and off.

    `instrument()` takes `tracer_provider`, `meter_provider` and `logger_provider`, which default to the global ones,
    `settings` (an `otelml.settings.Settings`), `observers`, and `monitors`, which default to those that the composition
    root has joined.
    """

    _telemetry: Telemetry | None = None
    _monitors: ModelMonitors | None = None

    def _instrument(self, **kwargs: Any) -> None:
        settings: Settings = kwargs.get("settings") or settings_module.current()
        telemetry = self._telemetry_for(
            kwargs.get("tracer_provider"), kwargs.get("meter_provider"), kwargs.get("logger_provider")
        )
        telemetry.configure(settings)
        telemetry.observers = tuple(kwargs.get("observers") or ())
        self._monitors = kwargs.get("monitors") or joined.monitors()
        self._switch_on(telemetry, settings)

    def configure(self, settings: Settings) -> None:
        """Put settings in force while the instrumentation is on."""
        if self._telemetry is not None:
            self._telemetry.configure(settings)
            self._monitors = joined.monitors() or self._monitors
            self._switch_on(self._telemetry, settings)

    def _telemetry_for(self, *providers: Any) -> Telemetry:
        # The SDK keeps asynchronous instruments for good: made twice on one provider, every count would be exported
        # twice.
        if self._telemetry is None or self._providers != providers:
            self._telemetry = Telemetry(self.scope, *providers)
            self._providers = providers
        return self._telemetry

    @abstractmethod
    def _switch_on(self, telemetry: Telemetry, settings: Settings) -> None:
        """Patch the library, now or when it is imported."""
