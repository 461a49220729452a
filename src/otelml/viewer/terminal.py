"""The contents of a store as tables for the terminal. Needs rich (the extra ``cli``)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from otelml.semconv import attributes as names
from otelml.viewer import formats, overview, query
from otelml.viewer.records import Span
from otelml.viewer.store import TelemetryStore

_TREE_WIDTH = 56
_TIMELINE_WIDTH = 24
_MAX_ROWS = 12
_MAX_CHARTS = 3
_MAX_SPANS = 30

#: The attributes of a span that are shown, in this order. Who calls, and what came of it; the older names of HTTP's
#: conventions are what the instrumentations of web frameworks still emit by default.
_SPAN_ATTRIBUTES = (
    "http.request.method",
    "http.method",
    "http.route",
    "http.target",
    "http.response.status_code",
    "http.status_code",
    names.ML_OPERATION_METHOD,
    names.ML_MODEL_VERSION,
    names.ML_MODEL_ARCHITECTURE,
    names.ML_MODEL_TASK,
    names.ML_INFERENCE_BATCH_SIZE,
    names.ML_INPUT_FEATURE_COUNT,
    names.ERROR_TYPE,
)


def dashboard(store: TelemetryStore) -> RenderableType:
    """Everything there is to show of a store; sections without content are left out."""
    sections = [
        section
        for section in (
            calls_table(overview.call_rows(store)),
            runs_table(overview.run_rows(store)),
            _side_by_side(classes_table(overview.class_rows(store)), scores_chart(overview.score_rows(store))),
            exceptions_table(overview.exception_rows(store)),
            *(trace_table(spans) for spans in overview.example_traces(store)),
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
    """Show the calls of models: how many, how long."""
    if not rows:
        return None
    table = _table("Calls", ("Model", "Method"), ("Calls", "Errors", "Rows", "Time", "p50", "p90", "p99", "Recorded"))
    for row in rows[:_MAX_ROWS]:
        table.add_row(
            _model(row.model, row.version),
            row.method or row.operation,
            formats.count(row.calls),
            Text(formats.count(row.errors), style="bold red" if row.errors else "dim"),
            formats.count(row.rows),
            formats.duration(row.seconds),
            *(formats.duration(row.latency.quantile(q)) for q in (0.5, 0.9, 0.99)),
            "-" if row.recorded is None else formats.share(row.recorded),
        )
    return _with_rest(table, rows)


def runs_table(rows: Sequence[overview.RunRow]) -> RenderableType | None:
    """Show the fits and the evaluations of models."""
    if not rows:
        return None
    table = _table("Training and evaluation", ("Model", "Method"), ("Runs", "Errors", "Time", "Mean"))
    table.add_column("Result", overflow="fold")
    for row in rows[:_MAX_ROWS]:
        table.add_row(
            _model(row.model, row.version),
            row.method,
            formats.count(row.runs),
            Text(formats.count(row.errors), style="bold red" if row.errors else "dim"),
            formats.duration(row.seconds),
            formats.duration(row.seconds / row.runs if row.runs else math.nan),
            ", ".join(f"{name} {value:.3f}" for name, value in row.scores.items()),
        )
    return _with_rest(table, rows)


def classes_table(rows: Sequence[overview.ClassRow]) -> RenderableType | None:
    """Show how often which class was predicted."""
    if not rows:
        return None
    table = _table("Predicted classes", ("Model", "Class"), ("Predictions", "Share"))
    table.add_column(width=10)
    for row in rows[:_MAX_ROWS]:
        bar = Text(formats.bar(row.share, 10), style="cyan")
        table.add_row(
            _model(row.model, row.version), row.label, formats.count(row.predictions), formats.share(row.share), bar
        )
    return _with_rest(table, rows)


def scores_chart(rows: Sequence[overview.ScoreRow]) -> RenderableType | None:
    """Show the distribution of scores as columns, one chart for each method that returns scores."""
    charts: list[RenderableType] = []
    for row in rows[:_MAX_CHARTS]:
        counts = [count for _, count in row.bins]
        lines = formats.columns(counts, height=4)
        if [upper for upper, _ in row.bins] == list(overview.PROBABILITY_BINS):
            axis = formats.axis("0", "0.5", "1", len(lines[0]))
        else:
            axis = formats.axis(f"≤{row.bins[0][0]:g}", "", f"≤{row.bins[-1][0]:g}", len(lines[0]))
        missing = f", {formats.count(row.missing)} NaN" if row.missing else ""
        title = f"{row.method} of {_model(row.model, row.version)}: {formats.count(sum(counts))} scores{missing}"
        charts += [Text(title, style="dim"), Text("\n".join(lines), style="cyan"), Text(axis, style="dim")]
    return Group(Text("Scores", style="bold"), *charts) if charts else None


def exceptions_table(rows: Sequence[overview.ExceptionRow]) -> RenderableType | None:
    """Show the exceptions that ended calls."""
    if not rows:
        return None
    table = _table("Exceptions", ("Last", "Model", "Operation"), ("Count",))
    table.add_column("Exception", ratio=1)
    for row in rows[:_MAX_ROWS]:
        table.add_row(
            time.strftime("%H:%M:%S", time.localtime(row.last_ns / 1e9)),
            row.model,
            row.operation,
            formats.count(row.count),
            Text.assemble((row.type, "red"), ": " if row.message else "", row.message.partition("\n")[0]),
        )
    return _with_rest(table, rows)


def trace_table(spans: Sequence[Span]) -> RenderableType | None:
    """Show a trace as a tree, with a timeline and the attributes that tell what a call was."""
    rows = [row for root in query.trace_trees(spans) for row in _tree_rows(root, "", "")]
    if not rows:
        return None
    start = min(span.start_ns for span in spans)
    total = max(span.end_ns for span in spans) - start or 1
    services = ", ".join(dict.fromkeys(span.source.service for span in spans if span.source.service))
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=_TREE_WIDTH, no_wrap=True)
    table.add_column(justify="right")
    table.add_column(width=_TIMELINE_WIDTH)
    for guide, below, span in rows[:_MAX_SPANS]:
        style = "red" if span.failed else "green"
        position = (span.start_ns - start) / total, (span.end_ns - span.start_ns) / total
        table.add_row(
            Text.assemble((guide, "dim"), (span.name, f"bold {style}"), (f"  {span.kind}", "dim")),
            formats.duration(span.seconds),
            Text(formats.timeline(*position, _TIMELINE_WIDTH), style=style),
        )
        shown = [name for name in _SPAN_ATTRIBUTES if name in span.attributes]
        for name in shown:
            padded = name.ljust(max(map(len, shown)))
            table.add_row(Text.assemble((f"{below}{padded}  ", "dim"), str(span.attributes[name])))
    title = Text.assemble(("Trace ", "bold"), (f"{spans[0].trace_id}  {services}", "dim"))
    return Group(title, table, *_rest(rows, _MAX_SPANS))


def _tree_rows(node: query.SpanNode, guide: str, below: str) -> Iterator[tuple[str, str, Span]]:
    last = len(node.children) - 1
    yield guide, below + ("│  " if node.children else "   "), node.span
    for index, child in enumerate(node.children):
        yield from _tree_rows(
            child, below + ("└─ " if index == last else "├─ "), below + ("   " if index == last else "│  ")
        )


def _model(name: str, version: str) -> str:
    return f"{name or '(no name)'} {version}".rstrip()


def _table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
    )
    for header in texts:
        table.add_column(header, overflow="fold")
    for header in numbers:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def _with_rest(table: Table, rows: Sequence[object]) -> RenderableType:
    return Group(table, *_rest(rows, _MAX_ROWS))


def _rest(rows: Sequence[object], shown: int) -> list[Text]:
    return [Text(f"and {formats.count(len(rows) - shown)} more", style="dim")] if len(rows) > shown else []


def _side_by_side(left: RenderableType | None, right: RenderableType | None) -> RenderableType | None:
    if left is None or right is None:
        return left or right
    grid = Table.grid(padding=(0, 6, 0, 0))
    grid.add_row(left, right)
    return grid


def _dropped(store: TelemetryStore) -> RenderableType | None:
    dropped = store.dropped
    if not any(dropped):
        return None
    counts = f"{dropped.spans} spans, {dropped.logs} log records, {dropped.streams} metric streams"
    return Text(f"Gone for want of room: {counts}.", style="yellow")
