"""OTLP exporters that survive a fork and let the process end.

A forked child of a preloading server would go on with its parent's connections: two processes on one socket. And with
the endpoint down, the SDK (1.45) spends 7 s of retries on each batch of each signal when the process ends, and waits
for 30 s of them.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TIMEOUT

from otelml._forks import call_in_children
from otelml.distro.export_log import EXPORT_LOG

EXIT_SECONDS = 3.0
"""How long exports to one endpoint may fail when the process ends, unless the environment sets a timeout.

What a refusal has left of it (an answer of 400 takes no time) is for the other signals; an endpoint that is down uses
it up.
"""

_ONE_ATTEMPT_SECONDS = 0.75
"""The most for an export after a failure: one attempt, since the exporters wait longer before they retry."""

_SHARE_OF_ONE = 0.75
"""How much of the time one export may use up: another signal may still be taken where this one is not."""

_exiting = False
_failed_seconds: defaultdict[str, float] = defaultdict(float)
"""How long exports have failed since the process began to end, by endpoint."""


class SupervisedExporter:
    """An OTLP exporter of spans, metrics or log records, made anew where the one there is must not be used any more."""

    def __init__(self, signal: str, make: Callable[[float | None], Any], failure: object) -> None:
        """Make the exporter.

        Args:
            signal: traces, metrics or logs.
            make: makes the exporter with this timeout in seconds, or the one that the environment sets.
            failure: what `export` returns for a batch that is given up.
        """
        self._signal = signal
        self._make = make
        self._failure = failure
        self._exporter: Any = make(None)
        self._seconds = math.inf
        self._exporting = False
        self._failed = False
        self._given_up = False
        self._closed = False
        # What PeriodicExportingMetricReader reads from its exporter.
        self._preferred_temporality = getattr(self._exporter, "_preferred_temporality", None)
        self._preferred_aggregation = getattr(self._exporter, "_preferred_aggregation", None)
        _supervised.append(self)

    def export(self, batch: Any, **options: Any) -> Any:
        """Export a batch; nothing is left for one that comes after the exit handlers have run."""
        if self._closed:
            return self._failure
        self._exporting = True
        try:
            exporter = self._usable()
            result = self._export(exporter, batch, options)
            if self._failed and self._exporter is not exporter:
                result = self._export(self._usable(), batch, options)  # interrupted because the process ends
        finally:
            self._exporting = False
        return result

    def _export(self, exporter: Any, batch: Any, options: dict[str, Any]) -> Any:
        if exporter is None:
            return self._failure
        began = monotonic()
        result = exporter.export(batch, **options)
        self._failed = result is self._failure
        if not self._failed:
            EXPORT_LOG.worked(self._signal)
        elif _exiting and exporter is self._exporter:
            self._given_up = True
            _failed_seconds[_endpoint(self._signal)] += monotonic() - began
        return result

    def _usable(self) -> Any:
        """The exporter for the next batch; None where the process ends and there is no time left for it."""
        if not _exiting:
            if self._exporter is None:
                self._exporter = self._make(None)
            return self._exporter
        seconds = self._exit_seconds()
        if self._given_up or seconds <= 0:
            return None
        if self._exporter is None or seconds < self._seconds:
            if self._exporter is not None:
                self._exporter.shutdown()
            self._exporter, self._seconds = self._make(seconds), seconds
        return self._exporter

    def _exit_seconds(self) -> float:
        whole = _timeout(self._signal) or EXIT_SECONDS
        failed = _failed_seconds[_endpoint(self._signal)]
        tries_once = self._failed or failed > _ONE_ATTEMPT_SECONDS
        return min(whole - failed, _ONE_ATTEMPT_SECONDS if tries_once else whole * _SHARE_OF_ONE)

    def prepare_exit(self) -> None:
        """Give up retries that are going on, and spend less time on the exports to come."""
        exporter, self._exporter = self._exporter, None
        if self._exporting and exporter is not None:
            self._failed = True
            exporter.shutdown()

    def abandon(self) -> None:
        """Leave the exporter to the parent process, with its connections and whoever is exporting there."""
        self._exporter = None
        self._exporting = False

    def shutdown(self, *_args: Any, **_kwargs: Any) -> None:
        """Close the exporter."""
        self._closed = True
        if self._exporter is not None:
            self._exporter.shutdown()

    def force_flush(self, *_args: Any, **_kwargs: Any) -> bool:
        """Nothing is buffered."""
        return True


_supervised: list[SupervisedExporter] = []


def prepare_exit() -> None:
    """Let the process end soon: an endpoint that is down holds it up for seconds at most."""
    global _exiting
    if not _exiting:
        _exiting = True
        for exporter in _supervised:
            exporter.prepare_exit()


def _abandon_all() -> None:
    for exporter in _supervised:
        exporter.abandon()


call_in_children(_abandon_all)


def _variable(signal: str, general: str) -> str | None:
    own = general.replace("OTLP_", f"OTLP_{signal.upper()}_")
    return os.environ.get(own) or os.environ.get(general)


def _endpoint(signal: str) -> str:
    return urlsplit(_variable(signal, OTEL_EXPORTER_OTLP_ENDPOINT) or "").netloc


def _timeout(signal: str) -> float | None:
    try:
        return float(_variable(signal, OTEL_EXPORTER_OTLP_TIMEOUT) or 0) or None
    except ValueError:
        return None  # the exporter has warned of it
