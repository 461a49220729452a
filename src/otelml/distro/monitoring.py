"""Monitors joined to the hooks on one side and to telemetry on the other, when the first model is seen."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from otelml import settings as settings_module
from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml.observations import Intake, ModelIdentity, ModelState, joined
from otelml.settings import Settings

if TYPE_CHECKING:
    from otelml.monitors.live import LiveMonitors


_logger = logging.getLogger("otelml")

_SAVED_EVERY = 60.0
_PID = "{pid}"


class LiveSource:
    """What is read when metrics are collected, and kept in a file from time to time. A `MeasurementSource`."""

    def __init__(self, live: LiveMonitors, path: str) -> None:
        """Read these monitors; go on from the file where there is one.

        Args:
            live: the monitors.
            path: of the file; empty for none.
        """
        self._live = live
        self._path = path
        self._process = os.getpid()
        self._saved = monotonic()
        if path and _PID not in path and Path(path).exists():
            try:
                live.load(path)
            except (OSError, ValueError) as error:
                _logger.warning("The state of the monitors is not restored: %s", error)
        # Before the providers' own, which shut logs down first: what the last rows show would have nowhere to go.
        atexit.register(self.finish)

    def model_states(self) -> list[ModelState]:
        """The state of every model that is watched."""
        if monotonic() - self._saved >= _SAVED_EVERY:
            self.save()
        return self._live.model_states()

    @guarded
    def finish(self) -> None:
        """Count the last rows of a process that ends."""
        self._live.model_states()
        self.save()

    @guarded
    def save(self) -> None:
        """Write the state to the file."""
        self._saved = monotonic()
        if not self._path or (_PID not in self._path and os.getpid() != self._process):
            return  # a forked child's file is its parent's
        try:
            self._live.save(self._path.replace(_PID, str(os.getpid())))
        except OSError as error:
            _logger.warning("The state of the monitors is not saved: %s", error)


class DeferredMonitors:
    """Makes the monitors when the first model is fitted or called: they bring numpy, which takes a while to import."""

    def __init__(self) -> None:
        self._renew_lock()
        self._live: LiveMonitors | None = None
        call_in_children(self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()

    @property
    def live(self) -> LiveMonitors:
        """The monitors of this process, made now if they are not there yet."""
        with self._lock:
            if self._live is None:
                from otelml.monitors.live import LiveMonitors
                from otelml.telemetry.monitoring import MonitoringTelemetry

                telemetry = MonitoringTelemetry()
                self._live = LiveMonitors(settings_module.current(), telemetry)
                telemetry.read(LiveSource(self._live, settings_module.current().state_file))
            return self._live

    def configure(self, settings: Settings) -> None:
        """Put settings in force."""
        with self._lock:
            if self._live is not None:
                self._live.configure(settings)

    @guarded
    def intake(self, model: object, identity: ModelIdentity, method: str) -> Intake | None:
        """See `otelml.observations.ModelMonitors`."""
        return self.live.intake(model, identity, method)

    @guarded
    def learned(
        self, model: object, identity: ModelIdentity, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> None:
        """See `otelml.observations.ModelMonitors`."""
        self.live.learned(model, identity, arguments, keywords)


_monitors = DeferredMonitors()


def set_up(settings: Settings) -> None:
    """Join the monitors to the hooks that are switched on after this."""
    _monitors.configure(settings)
    joined.join(_monitors if settings.monitors else None)


def switch_off() -> None:
    """Hooks that are switched on after this are not watched; what was seen so far stays."""
    joined.join(None)


def snapshot(path: str | PathLike[str]) -> None:
    """Write the state of the monitors to a file: see `otelml.snapshot`."""
    _monitors.live.save(path)


def restore(path: str | PathLike[str]) -> None:
    """Go on from the state in a file: see `otelml.restore`."""
    _monitors.live.load(path)
