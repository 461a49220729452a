"""A store that holds an hour and a half of everything, and the pictures of what dashboards show of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from otelml.rules import read_objectives, rule_files
from otelml.rules.packs import telemetry
from tests.dashboards.made_up import MadeUp
from tests.dashboards.store import Made, Store
from tests.rules.names import COLLECTOR
from tests.rules.programs import ROOT

MINUTES = 90
WEEK = 7 * 86400


def collector(start: int, minutes: int) -> Iterator[Made]:
    """What the Collector says of itself, as its 0.152 does on its default reader."""
    times = [start + minute * 60 for minute in range(minutes + 1)]
    for name in sorted(COLLECTOR):
        if name.endswith("_total"):
            continue
        kind = "receiver" if "_receiver_" in name else "exporter"
        step = 0 if "failed" in name or "refused" in name else 500
        level = 1000 if name == telemetry.COLLECTOR_CAPACITY else 30
        is_gauge = "_queue_" in name
        values = [float(level if is_gauge else step * number) for number in range(len(times))]
        yield {"__name__": name, kind: "otlp", "data_type": "traces"}, times, values


@dataclass(frozen=True)
class Filled:
    """A store and the time that it has data of, in seconds."""

    store: Store
    start: float
    end: float


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Two replicas' telemetry of every metric, now and a week ago, and what the project's rules make of it."""
    end = int(time.time()) // 60 * 60
    start = end - MINUTES * 60
    with Store(tmp_path_factory.mktemp("store")) as store:
        processes = [MadeUp("a", 1), MadeUp("b", 2)]
        objectives = read_objectives(ROOT / "collector-config" / "prometheus" / "slo.yaml")
        groups = [group for file in rule_files(objectives) for group in file.groups]
        for first, minutes in ((start - WEEK, MINUTES // 2), (start, MINUTES)):
            for minute in range(minutes + 1):
                for process in processes:
                    store.write(process.minute((first + minute * 60) * 10**9, first * 10**9))
            store.write_series(collector(first, minutes))
            store.flush()
            recorded = groups if first == start else [group for group in groups if group.name == "serving"]
            store.evaluate(recorded, first + 600, first + minutes * 60)
        for process in processes:
            process.close()
        yield Filled(store, start, end)


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where the pictures go: a folder that git ignores."""
    folder = ROOT / "build" / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
