"""Memory over many calls: a script rather than a test, since it takes minutes."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.harness import Contender, Measurement, Size, measure
from benchmarks.report import Check, Report, Table
from benchmarks.sdk import Sdk
from benchmarks.subject import Facts, Subject

_LIMIT_MIB = 5.0
_STATM = Path("/proc/self/statm")
_PAGE_MIB = 4096 / 2**20


def bare(model: str, calls: int) -> Subject:
    return _runs(Sdk(), model, calls)


def otelml(model: str, calls: int) -> Subject:
    from otelml import instrument

    sdk = Sdk()
    instrument()
    return _runs(sdk, model, calls)


def _runs(sdk: Sdk, model: str, calls: int) -> Subject:
    """A subject of which one call is a run of many, after which the resident memory is noted."""
    predict, row = models.fitted(model).predict, models.rows(1)
    noted: list[float] = []

    def run(_: Any) -> None:
        for _call in itertools.repeat(None, calls):
            predict(row)
        noted.append(_resident())

    def facts() -> Facts:
        counted = sum(point.data.value for point in sdk.points("ml.inference.calls"))
        return {"resident": noted, "counted": counted, "made": calls * len(noted)}

    return Subject(run, chunk=1, facts=facts)


def _resident() -> float:
    return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_MIB


def run(quick: bool) -> Report:
    """Measure resident memory after each twentieth of the calls; the first one is the warm-up."""
    if not _STATM.exists():
        return Report("Memory", "Not measured: this system does not tell a process's resident memory.")
    rows: list[list[str]] = []
    checks: list[Check] = []
    for title, model, calls in (
        ("quick estimator of the application's own", "nearest", 200_000 if quick else 10_000_000),
        ("LogisticRegression", "logistic", 2_000 if quick else 1_000_000),
    ):
        options = {"model": model, "calls": calls // 20}
        contenders = [Contender(name, f"benchmarks.cases.memory:{name}", options) for name in ("bare", "otelml")]
        measured = measure(contenders, Size(1, 20, 1, 0))
        rows.append([title, f"{calls:,}", *(_growth_text(measured, name) for name in ("bare", "otelml"))])
        told = measured.facts["otelml"]
        growth = _growth(measured, "otelml")
        checks += [
            Check(
                f"{title}: growth over {calls:,} calls",
                f"{growth:.2f} MiB",
                f"< {_LIMIT_MIB:g} MiB",
                growth < _LIMIT_MIB,
            ),
            Check(
                f"{title}: calls counted", f"{told['counted']:,}", f"{told['made']:,}", told["counted"] == told["made"]
            ),
        ]
    return Report(
        title="Memory",
        about="Growth of the resident memory over the calls, after a twentieth of them as warm-up, default budget; in "
        "brackets where it began.",
        tables=[Table("", ["predict, 1 row", "calls", "bare", "otelml"], rows)],
        checks=checks,
    )


def _growth(measured: Measurement, name: str) -> float:
    resident = measured.facts[name]["resident"]
    return max(resident[1:]) - resident[0]


def _growth_text(measured: Measurement, name: str) -> str:
    return f"{_growth(measured, name):+.2f} MiB [{measured.facts[name]['resident'][0]:.1f} MiB]"
