"""Which declared signals the tests have emitted, over the whole session and all of its processes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from otelml.viewer.livecheck import Registry

Seen = set[tuple[str, str]]

seen_key = pytest.StashKey[Seen]()
_WORKER_OUTPUT = "otelml_signals_seen"


def problems(registry: Registry, seen: Iterable[tuple[str, str]]) -> list[str]:
    """What is wrong with the coverage of the registry's signals, a sentence each."""
    emitted = set(seen)
    found = []
    for signal in registry.signals():
        name = f"{signal.kind} {signal.name}"
        is_emitted = (signal.kind, signal.name) in emitted
        if not is_emitted and not signal.planned:
            found.append(f"{name} is declared, but no test emits it and semconv/planned.yaml does not list it")
        elif is_emitted and signal.planned:
            found.append(f"{name} is emitted: take it off semconv/planned.yaml")
    return found


def hand_to_controller(config: pytest.Config, seen: Seen) -> bool:
    """In a worker of pytest-xdist, send what it has seen to the controller; False elsewhere."""
    output = getattr(config, "workeroutput", None)
    if output is None:
        return False
    output[_WORKER_OUTPUT] = sorted(seen)
    return True


def take_from_worker(worker_output: dict[str, object] | None, seen: Seen) -> None:
    """In the controller, add what a worker has seen."""
    pairs = (worker_output or {}).get(_WORKER_OUTPUT, [])
    assert isinstance(pairs, list)
    seen.update((kind, name) for kind, name in pairs)
