"""Plots as SVG, drawn in the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

_GAP = 0.18
_APART = 14  # of numbers on an axis, in CSS pixels
_MOST_SLANTED = 30
_MOST_LEVEL = 6


def bars(
    labels: Sequence[str],
    reference: Sequence[float] | None,
    live: Sequence[float],
    *,
    width: int = 720,
    height: int = 190,
) -> str:
    """Two bars for each label: the share in the reference and the live one.

    Args:
        labels: of the bins.
        reference: shares, 0 to 1; None: there is nothing to compare with.
        live: shares, 0 to 1.
        width: of the plot, in CSS pixels.
        height: likewise.
    """
    top = max([*(reference or ()), *live, 1e-9])
    is_level, is_crowded = len(labels) <= _MOST_LEVEL, len(labels) > _MOST_SLANTED
    left, bottom, angle = (44, 24, 0) if is_level else (44, 104, 70) if is_crowded else (44, 74, 35)
    height += 30 * is_crowded - 50 * is_level
    step = (width - left) / max(len(labels), 1)
    plot = height - bottom - 8
    parts = [_axis(top, left, plot, width)]
    for index, (label, now) in enumerate(zip(labels, live, strict=True)):
        x = left + index * step + step * _GAP / 2
        wide = step * (1 - _GAP) / (1 if reference is None else 2)
        said, drawn = f"live {now:.1%}", ""
        if reference is not None:
            said = f"reference {reference[index]:.1%}, {said}"
            drawn = _bar(x, wide, reference[index] / top * plot, plot, "ref")
        drawn += _bar(x + (0 if reference is None else wide), wide, now / top * plot, plot, "live")
        place = f"translate({left + (index + 0.5) * step:.1f},{plot + 16}) rotate({angle})"
        parts.append(f"<g><title>{escape(label)}: {said}</title>{drawn}</g>")
        parts.append(f'<text class="tick{" middle" * is_level}" transform="{place}">{escape(_short(label))}</text>')
    return f'<svg viewBox="0 0 {width} {height}" class="bars" role="img">{"".join(parts)}</svg>'


def small_bars(reference: Sequence[float], live: Sequence[float], *, width: int = 150, height: int = 34) -> str:
    """The same without labels, for a row of a table."""
    top = max([*reference, *live, 1e-9])
    step = width / max(len(live), 1)
    parts = []
    for index, (before, now) in enumerate(zip(reference, live, strict=True)):
        parts.append(_bar(index * step, step * 0.9, before / top * height, height, "ref"))
        parts.append(_bar(index * step + step * 0.25, step * 0.4, now / top * height, height, "live"))
    return f'<svg viewBox="0 0 {width} {height}" class="small" aria-hidden="true">{"".join(parts)}</svg>'


def trend(values: Sequence[float | None], threshold: float, *, width: int = 150, height: int = 34) -> str:
    """A line over time, with the threshold."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return '<span class="quiet">not yet</span>'
    top = max(*known, threshold) * 1.1 or 1.0
    bottom = min(0.0, *known)
    step = width / (len(values) - 1)

    def y(value: float) -> float:
        return height - (value - bottom) / (top - bottom) * height

    points = " ".join(f"{index * step:.1f},{y(value):.1f}" for index, value in enumerate(values) if value is not None)
    line = f'<line class="threshold" x1="0" x2="{width}" y1="{y(threshold):.1f}" y2="{y(threshold):.1f}"/>'
    curve = f'{line}<polyline points="{points}"/>'
    return f'<svg viewBox="0 0 {width} {height}" class="small" aria-hidden="true">{curve}</svg>'


def timeline(
    times: Sequence[str], values: Sequence[float | None], threshold: float, *, width: int = 720, height: int = 130
) -> str:
    """The same at full width, with an axis of time.

    Args:
        times: of the values, in ISO 8601, ascending.
        values: None where there was none yet.
        threshold: drawn as a line.
        width: of the plot, in CSS pixels.
        height: likewise.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    moments = [datetime.fromisoformat(time) for time in times]
    first, lasted = moments[0], max((moments[-1] - moments[0]).total_seconds(), 1.0)
    top, bottom, left, plot = max(*known, threshold) * 1.1 or 1.0, min(0.0, *known), 44, height - 24

    def y(value: float) -> float:
        return 4 + plot - (value - bottom) / (top - bottom) * plot

    def x(moment: datetime) -> float:
        return left + (moment - first).total_seconds() / lasted * (width - left)

    parts = []
    highest = max(known)
    marked = (bottom, threshold, highest) if y(threshold) - y(highest) > _APART else (bottom, threshold)
    for value in marked:
        kind = "threshold" if value == threshold else "grid"
        parts.append(f'<line class="{kind}" x1="{left}" x2="{width}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="tick end" x="{left - 6}" y="{y(value) + 4:.1f}">{value:.2g}</text>')
    for moment, anchor in ((first, "start"), (first + (moments[-1] - first) / 2, "middle"), (moments[-1], "end")):
        said = moment.strftime("%Y-%m-%d %H:%M")
        parts.append(f'<text class="tick {anchor}" x="{x(moment):.1f}" y="{height - 4}">{said}</text>')
    points = " ".join(
        f"{x(moment):.1f},{y(value):.1f}" for moment, value in zip(moments, values, strict=True) if value is not None
    )
    shown = f'{"".join(parts)}<polyline points="{points}"/>'
    return f'<svg viewBox="0 0 {width} {height}" class="bars" role="img">{shown}</svg>'


def _axis(top: float, left: int, plot: int, width: int) -> str:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y = plot - part * plot + 4
        lines.append(f'<line class="grid" x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="tick end" x="{left - 6}" y="{y + 4:.1f}">{part * top:.0%}</text>')
    return "".join(lines)


def _bar(x: float, width: float, height: float, base: float, kind: str) -> str:
    place = f'x="{x:.1f}" y="{base - height + 4:.1f}"'
    return f'<rect class="{kind}" {place} width="{max(width, 0.5):.1f}" height="{height:.1f}"/>'


def _short(label: str, most: int = 16) -> str:
    # Values that a program has named often differ at the end only.
    return label if len(label) <= most else f"{label[: most // 2 - 1]}\u2026{label[-most // 2 :]}"
