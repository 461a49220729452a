"""What a benchmark found: tables, and figures held against their targets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness import ROOT, Measurement, Spread

RAW = ROOT / "benchmarks" / "raw"
"""Where reports are kept between runs; git ignores it."""

_STATISTICS = {
    "mean": "mean",
    "p50": "p50",
    "p99": "p99",
    "thread_cpu": "CPU, caller",
    "process_cpu": "CPU, process",
}


class Target(NamedTuple):
    """At most this ratio."""

    contender: str
    statistic: str
    limit: float
    to: str = "bare"


@dataclass(frozen=True)
class Check:
    """A figure beside its target."""

    what: str
    figure: str
    target: str
    met: bool


@dataclass(frozen=True)
class Table:
    """A table with a caption."""

    caption: str
    header: list[str]
    rows: list[list[str]]


@dataclass
class Report:
    """What a benchmark found.

    Attributes:
        title: of its section.
        about: what was done, in a few sentences.
        tables: the figures.
        checks: those with a target.
        notes: what the figures don't tell, such as what could not be measured.
        run: when and with what it was measured; filled in by the command.
        command: what measures it again, where that is not `python -m benchmarks` and its name.
    """

    title: str
    about: str
    tables: list[Table] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    run: dict[str, str] = field(default_factory=dict)
    command: str = ""


def ratio_table(caption: str, measured: Measurement, to: str = "bare") -> Table:
    """The ratios of all contenders to one of them; besides the caller, the process has threads that export."""
    header = ["", "us a call (p50)", *_STATISTICS.values()]
    rows = [
        [
            name,
            f"{measured.spread(name, 'p50').median / 1e3:.1f}",
            *(ratio_text(measured.ratio(name, statistic, to)) for statistic in _STATISTICS),
        ]
        for name in measured.turns
    ]
    return Table(caption, header, rows)


def ratio_text(ratio: Spread) -> str:
    """A ratio with its quartiles over the rounds."""
    return f"{ratio.median:.3f} [{ratio.lower:.3f}, {ratio.upper:.3f}]"


def limit_text(limit: float) -> str:
    """A limit with two places, or with all that it has."""
    return max(f"{limit:.2f}", f"{limit:g}", key=len)


def check(measured: Measurement, targets: Sequence[Target], what: str = "") -> list[Check]:
    """Hold ratios against their targets."""
    return [_check(measured, target, what) for target in targets]


def _check(measured: Measurement, target: Target, what: str) -> Check:
    ratio = measured.ratio(target.contender, target.statistic, target.to)
    parts = (what, target.contender, f"{_STATISTICS[target.statistic]} to {target.to}")
    return held(", ".join(part for part in parts if part), ratio, target.limit)


def held(what: str, ratio: Spread, limit: float) -> Check:
    """Hold a ratio against a limit."""
    return Check(what, ratio_text(ratio), f"<= {limit_text(limit)}", ratio.median <= limit)


def save(name: str, report: Report, folder: Path = RAW) -> None:
    """Keep a report."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(dataclasses.asdict(report), indent=1)
    (folder / f"{name}.json").write_text(content + "\n", encoding="utf-8")


def load(name: str, folder: Path = RAW) -> Report | None:
    """The report that was kept last, if any."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Report(
        title=content["title"],
        about=content["about"],
        tables=[Table(**table) for table in content["tables"]],
        checks=[Check(**found) for found in content["checks"]],
        notes=content["notes"],
        run=content["run"],
    )
