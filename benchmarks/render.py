"""Reports as text: for the terminal, and as the page RESULTS.md."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.report import Check, Report, Table

_INTRODUCTION = """# What otelml costs

Written by `python -m benchmarks --write`, never edited. The figures are ratios: each contender runs in processes of its
own, which take short turns in random order, and in every round a contender is compared with the bare one of that round.
A figure is the median over all rounds, with its quartiles in brackets. Bare is the same program under the same
OpenTelemetry SDK (batch processor, periodic reader, exporting to nowhere) without otelml. Two bare processes differ by
1 to 2% for as long as they live, so every contender gets several.

To measure again: `make bench` for all of it, or `python -m benchmarks NAME --write` for one section. What drift
detection finds, how often it errs and what a window costs, beside its peers, is in [DRIFT.md](DRIFT.md).
"""


def page(reports: Mapping[str, Report]) -> str:
    """The whole page; reports by the names of their benchmarks."""
    parts = [_INTRODUCTION]
    checks = [(name, check) for name, report in reports.items() for check in report.checks]
    if checks:
        met = sum(check.met for _, check in checks)
        parts.append(f"## Targets\n\n{met} of {len(checks)} are met.\n")
        parts.append(markdown(_checks_table(checks)))
    parts += [section(name, report) for name, report in reports.items()]
    return "\n".join(parts)


def section(name: str, report: Report) -> str:
    """One report in Markdown."""
    parts = [f"## {report.title}\n", f"{report.about}\n"]
    parts += [markdown(table) for table in report.tables]
    if report.checks:
        parts.append(markdown(_checks_table([("", check) for check in report.checks], named=False)))
    parts += [f"- {note}" for note in report.notes]
    if report.notes:
        parts.append("")
    told = "; ".join(f"{key}: {value}" for key, value in report.run.items())
    parts.append(f"`{report.command or f'python -m benchmarks {name}'}`; {told}.\n")
    return "\n".join(parts)


def _checks_table(checks: list[tuple[str, Check]], *, named: bool = True) -> Table:
    header = ["Figure", "Measured", "Target", ""]
    rows = [[check.what, check.figure, check.target, "met" if check.met else "**missed**"] for _, check in checks]
    if named:
        header = ["Benchmark", *header]
        rows = [[name, *row] for (name, _), row in zip(checks, rows, strict=True)]
    return Table("", header, rows)


def markdown(table: Table) -> str:
    """A table in Markdown, its caption above it."""
    widths = [max(len(row[column]) for row in [table.header, *table.rows]) for column in range(len(table.header))]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    lines = [line(table.header), line(["-" * width for width in widths]), *map(line, table.rows), ""]
    return "\n".join(([table.caption, ""] if table.caption else []) + lines)
