"""The contents of a store as tables for the terminal. Needs rich (the extra ``cli``)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from otelml.viewer import formats, monitoring, overview
from otelml.viewer.store import TelemetryStore
from otelml.viewer.terminal_monitoring import drift_table, findings_table, monitors_table
from otelml.viewer.terminal_parts import MAX_ROWS, FirstThatFits, model_name, plain, side_by_side, table, with_rest
from otelml.viewer.terminal_trace import trace_tree

_MAX_CHARTS = 3

#: What the table of calls can do without, from wide to narrow terminals.
_LEFT_OUT = ((), ("Rows",), ("Rows", "Time"), ("Rows", "Time", "p90", "Recorded"))


def dashboard(store: TelemetryStore) -> RenderableType:
    """Everything there is to show of a store; sections without content are left out."""
    drift = monitoring.drift_rows(store)
    sections = [
        section
        for section in (
            calls_table(overview.call_rows(store)),
            runs_table(overview.run_rows(store)),
            side_by_side(classes_table(overview.class_rows(store)), scores_chart(overview.score_rows(store))),
            monitors_table(drift, monitoring.quality_rows(store), monitoring.prediction_rows(store)),
            drift_table(drift),
            findings_table(monitoring.finding_rows(store)),
            exceptions_table(overview.exception_rows(store)),
            faults_table(overview.fault_rows(store)),
            *(trace_tree(spans) for spans in overview.example_traces(store)),
            _dropped(store),
        )
        if section is not None
    ]
    if not sections:
        kept = store.counts
        return Text(
            f"No calls of models yet ({kept.spans} spans, {kept.streams} metric streams, {kept.logs} log records).",
            style="dim",
        )
    return Group(*(Padding(section, (1, 0, 0, 0)) for section in sections))


def calls_table(rows: Sequence[overview.CallRow]) -> RenderableType | None:
    """Show the calls of models: how many, how long; with fewer columns where there is less room."""
    return FirstThatFits([_calls(rows, left_out) for left_out in _LEFT_OUT]) if rows else None


def runs_table(rows: Sequence[overview.RunRow]) -> RenderableType | None:
    """Show the fits and the evaluations of models."""
    if not rows:
        return None
    shown = table("Training and evaluation", ("Model", "Method"), ("Runs", "Errors", "Time", "Mean"))
    shown.add_column("Result", overflow="fold")
    for row in rows[:MAX_ROWS]:
        shown.add_row(
            model_name(row.model, row.version),
            plain(row.method),
            formats.count(row.runs),
            _errors(row.errors),
            formats.duration(row.seconds),
            formats.duration(row.seconds / row.runs if row.runs else math.nan),
            plain(", ".join(f"{name} {value:.3f}" for name, value in row.scores.items())),
        )
    return with_rest(shown, rows)


def classes_table(rows: Sequence[overview.ClassRow]) -> RenderableType | None:
    """Show how often which class was predicted."""
    if not rows:
        return None
    shown = table("Predicted classes", ("Model", "Class"), ("Predictions", "Share"))
    shown.add_column(width=10)
    for row in rows[:MAX_ROWS]:
        bar = Text(formats.bar(row.share, 10), style="cyan")
        shown.add_row(
            model_name(row.model, row.version),
            plain(row.label),
            formats.count(row.predictions),
            formats.share(row.share),
            bar,
        )
    return with_rest(shown, rows)


def scores_chart(rows: Sequence[overview.ScoreRow]) -> RenderableType | None:
    """Show the distribution of scores as columns, one chart for each method that returns scores."""
    charts: list[RenderableType] = []
    for row in rows[:_MAX_CHARTS]:
        counts = [count for _, count in row.bins]
        lines = formats.columns(counts, height=4)
        if [upper for upper, _ in row.bins] == list(overview.PROBABILITY_BINS):
            axis = formats.axis("0", "0.5", "1", len(lines[0]))
        else:
            last = row.bins[-1][0]
            axis = formats.axis(f"≤{row.bins[0][0]:g}", "", f"≤{last:g}" if last < math.inf else "∞", len(lines[0]))
        said = f"{formats.count(sum(counts))} scores" + (f", {formats.count(row.missing)} NaN" if row.missing else "")
        title = Text.assemble(model_name(row.model, row.version), " ", plain(row.method), f": {said}", style="dim")
        charts += [title, Text("\n".join(lines), style="cyan"), Text(axis, style="dim")]
    return Group(Text("Scores", style="bold"), *charts) if charts else None


def exceptions_table(rows: Sequence[overview.ExceptionRow]) -> RenderableType | None:
    """Show the exceptions that ended calls."""
    if not rows:
        return None
    shown = table("Exceptions", ("Last", "Model", "Operation"), ("Count",))
    shown.add_column("Exception", ratio=1)
    for row in rows[:MAX_ROWS]:
        shown.add_row(
            time.strftime("%H:%M:%S", time.localtime(row.last_ns / 1e9)),
            plain(row.model),
            plain(row.operation),
            formats.count(row.count),
            Text.assemble(plain(row.type, "red"), ": " if row.message else "", plain(row.message.partition("\n")[0])),
        )
    return with_rest(shown, rows)


def faults_table(rows: Sequence[overview.FaultRow]) -> RenderableType | None:
    """Show the faults of the instrumentation itself."""
    if not rows:
        return None
    shown = table("Faults of the instrumentation, kept from the application", ("Place", "Type"), ("Count",))
    for row in rows[:MAX_ROWS]:
        shown.add_row(plain(row.site), plain(row.type, "yellow"), formats.count(row.count))
    return with_rest(shown, rows)


def _calls(rows: Sequence[overview.CallRow], left_out: Collection[str]) -> RenderableType:
    values: dict[str, Callable[[overview.CallRow], RenderableType]] = {
        "Calls": lambda row: formats.count(row.calls),
        "Errors": lambda row: _errors(row.errors),
        "Rows": lambda row: formats.count(row.rows),
        "Time": lambda row: formats.duration(row.seconds),
        "p50": lambda row: formats.duration(row.latency.quantile(0.5)),
        "p90": lambda row: formats.duration(row.latency.quantile(0.9)),
        "p99": lambda row: formats.duration(row.latency.quantile(0.99)),
        "Recorded": lambda row: "-" if row.recorded is None else formats.share(row.recorded),
    }
    columns = [name for name in values if name not in left_out]
    shown = table("Calls", ("Model", "Method"), columns)
    for row in rows[:MAX_ROWS]:
        shown.add_row(
            model_name(row.model, row.version),
            plain(row.method or row.operation),
            *(values[name](row) for name in columns),
        )
    return with_rest(shown, rows)


def _errors(count: int) -> Text:
    return Text(formats.count(count), style="bold red" if count else "dim")


def _dropped(store: TelemetryStore) -> RenderableType | None:
    dropped = store.dropped
    if not any(dropped):
        return None
    counts = f"{dropped.spans} spans, {dropped.logs} log records, {dropped.streams} metric streams"
    return Text(f"Gone for want of room: {counts}.", style="yellow")
