"""Draws what a dashboard's panels show, since Grafana itself is not here: a look at the data, not at Grafana."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from grafana.spec import Board, Panel

Series = list[tuple[str, list[float], list[float]]]
_PER_ROW = 3


def legend_of(pattern: str, labels: Mapping[str, str]) -> str:
    """What Grafana calls a series by its legend."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), pattern).strip()


def draw(board: Board, data: Mapping[str, Series], target: Path) -> None:
    """Draw every panel of a board into one picture."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = -(-len(board.panels) // _PER_ROW)
    figure, axes = pyplot.subplots(rows, _PER_ROW, figsize=(21, 4 * rows), squeeze=False, layout="constrained")
    figure.suptitle(f"{board.title}: {board.meaning}")
    for number, ax in enumerate(axes.flat):
        if number >= len(board.panels):
            ax.set_visible(False)
            continue
        _draw_panel(ax, board.panels[number], data[board.panels[number].title])
    figure.savefig(target, dpi=60)
    pyplot.close(figure)


def _draw_panel(ax: Any, panel: Panel, series: Series) -> None:
    ax.set_title(f"{panel.title} [{panel.unit}]", fontsize=10)
    if panel.kind == "bars":
        ax.barh([name for name, _, _ in series], [values[-1] for _, _, values in series])
    elif panel.kind == "stacked":
        times = sorted({at for _, points, _ in series for at in points})
        lookup = [dict(zip(points, values, strict=True)) for _, points, values in series]
        stack = [[found.get(at, 0.0) for at in times] for found in lookup]
        ax.stackplot(times, stack, labels=[name for name, _, _ in series])
    else:
        for name, times, values in series:
            ax.plot(times, values, label=name, marker="." if len(times) == 1 else None)
    if panel.kind != "bars" and 0 < len(series) <= 12:
        ax.legend(fontsize=6, loc="upper left")
