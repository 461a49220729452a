"""A trace as a tree for the terminal. Needs rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from otelml.semconv import attributes as names
from otelml.viewer import formats, query
from otelml.viewer.records import Span
from otelml.viewer.terminal_parts import plain, with_rest

_WIDTH = 100
_TIMELINE_WIDTH = 18
_MAX_SPANS = 30

#: The attributes that are shown, in this order: who was called, and what came of it. The older names of the conventions
#: for HTTP are what instrumentations of web frameworks still use by default.
_SHOWN = (
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
    names.ML_TRAINING_TASK_TYPE,
    names.ML_TRAINING_TASK_NAME,
    names.ML_INFERENCE_BATCH_SIZE,
    names.ML_INPUT_FEATURE_COUNT,
    names.ERROR_TYPE,
)


def trace_tree(spans: Sequence[Span]) -> RenderableType | None:
    """Show a trace as a tree, with a timeline and the attributes that tell what each call was."""
    rows = list(_rows(query.trace_trees(spans)))
    if not rows:
        return None
    start = min(span.start_ns for span in spans)
    total = max(span.end_ns for span in spans) - start or 1
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(width=_TIMELINE_WIDTH)
    for guide, below, span in rows[:_MAX_SPANS]:
        color = "red" if span.failed else "green"
        position = (span.start_ns - start) / total, (span.end_ns - span.start_ns) / total
        grid.add_row(
            Text.assemble((guide, "dim"), plain(span.name, f"bold {color}"), (f"  {span.kind}", "dim")),
            formats.duration(span.seconds),
            Text(formats.timeline(*position, _TIMELINE_WIDTH), style=color),
        )
        shown = [name for name in _SHOWN if name in span.attributes]
        for name in shown:
            padded = name.ljust(max(map(len, shown)))
            grid.add_row(Text.assemble((f"{below}{padded}  ", "dim"), plain(span.attributes[name])))
    services = ", ".join(dict.fromkeys(span.source.service for span in spans if span.source.service))
    title = Text.assemble(("Trace ", "bold"), plain(f"{spans[0].trace_id}  {services}", "dim"))
    return with_rest(Group(title, Constrain(grid, _WIDTH)), rows, _MAX_SPANS)


def _rows(roots: Sequence[query.SpanNode]) -> Iterator[tuple[str, str, Span]]:
    """Yield each span with the guide lines before its name and those before the lines below it."""
    # Not recursive: how deep a trace is, is up to whoever sent it.
    waiting = [(root, "", "") for root in reversed(roots)]
    while waiting:
        node, guide, below = waiting.pop()
        yield guide, below + ("│  " if node.children else "   "), node.span
        last = len(node.children) - 1
        for index, child in reversed(list(enumerate(node.children))):
            corner, line = ("└─ ", "   ") if index == last else ("├─ ", "│  ")
            waiting.append((child, below + corner, below + line))
