"""Processes that the application forks: they start with nothing counted, and export what is left when they end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import wrapt
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader

from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml.distro.exporters import prepare_exit


def start_clean_in_children(provider: MeterProvider, readers: Sequence[MetricReader]) -> None:
    """Let a forked child count from zero, and without the locks that another thread held when it was forked.

    The SDK (1.45) gives the child a new `service.instance.id` with the parent's histograms, which are then summed
    twice, and leaves the locks of a measurement, a collection or an export that was going on locked for good.
    """

    @guarded
    def start_clean() -> None:
        consumer: Any = provider._measurement_consumer
        consumer._lock = threading.Lock()
        for storage in consumer._reader_storages.values():
            storage._lock = threading.RLock()
            storage._instrument_view_instrument_matches = {}  # made again, with new locks, at the next measurement
        for reader in readers:
            if hasattr(reader, "_export_lock"):
                reader._export_lock = threading.Lock()

    call_in_children(start_clean)


def flush_in_children(providers: Sequence[Any]) -> None:
    """Export what is left when a process of `multiprocessing` ends: a forked one ends without its exit handlers."""

    @guarded
    def flush() -> None:
        prepare_exit()
        for provider in providers:
            provider.force_flush()

    def finalize_child(util: ModuleType) -> None:
        util.Finalize(None, flush, exitpriority=0)

    @guarded
    def imported(util: ModuleType) -> None:
        util.register_after_fork(util, finalize_child)

    wrapt.register_post_import_hook(imported, "multiprocessing.util")
