"""Pieces that the terminal's tables are made of. Needs rich."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from otelml.viewer import formats

MAX_ROWS = 12

_UNLIMITED = 1000
_MAX_TEXT = 200


def plain(value: object, style: str = "", limit: int = _MAX_TEXT) -> Text:
    """Show something that was received: no markup, no control characters that a terminal would obey, no novels."""
    text = str(value)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return Text("".join(character if character.isprintable() else "�" for character in text), style)


def model_name(name: str, version: str) -> Text:
    """Show which model something is about."""
    return plain(f"{name or '(no name)'} {version}".rstrip())


class FirstThatFits:
    """Shows the first of some renderables that is not wider than the room there is, else the last."""

    def __init__(self, variants: Sequence[RenderableType]) -> None:
        self._variants = variants

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unlimited = options.update(max_width=_UNLIMITED)
        for variant in self._variants[:-1]:
            if console.measure(variant, options=unlimited).maximum <= options.max_width:
                yield variant
                return
        yield self._variants[-1]


def table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    """Make an empty table with columns of text, then columns of numbers."""
    result = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
    )
    for header in texts:
        result.add_column(header, overflow="fold")
    for header in numbers:
        result.add_column(header, justify="right", no_wrap=True)
    return result


def with_rest(shown: RenderableType, rows: Sequence[object], limit: int = MAX_ROWS) -> RenderableType:
    """Say below a table how many rows it leaves out."""
    left_out = len(rows) - limit
    return Group(shown, Text(f"and {formats.count(left_out)} more", style="dim")) if left_out > 0 else shown


def side_by_side(left: RenderableType | None, right: RenderableType | None) -> RenderableType | None:
    """Put two renderables beside each other, or below where there is no room; None where there is neither."""
    if left is None or right is None:
        return left or right
    beside = Table.grid(padding=(0, 6, 0, 0))
    beside.add_row(left, right)
    return FirstThatFits([beside, Group(left, Text(), right)])
