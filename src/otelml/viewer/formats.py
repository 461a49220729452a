"""Numbers as people read them, and counts as bars of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def count(number: int) -> str:
    """Write a whole number with separators: ``12,345``."""
    return f"{number:,}"


def share(part: float) -> str:
    """Write a share in percent: ``26.5%``; never ``0.0%`` for something, nor ``100.0%`` for not quite all."""
    if 0 < part < 0.0005:
        return "<0.1%"
    if 0.9995 <= part < 1:
        return ">99.9%"
    return f"{part:.1%}"


def duration(seconds: float) -> str:
    """Write a time with three digits and the unit that fits: ``145 µs``, ``1.25 ms``, ``32.0 s``; ``-`` for NaN."""
    if math.isnan(seconds):
        return "-"
    for unit, scale in (("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)):
        in_unit = seconds / scale
        if in_unit < 999.5:
            return f"{in_unit:.{2 if in_unit < 9.995 else 1 if in_unit < 99.95 else 0}f} {unit}"
    return f"{seconds / 60:,.0f} min"


def bar(part: float, width: int) -> str:
    """Draw a horizontal bar for a share between 0 and 1, exact to an eighth of a character."""
    eighths = round(part * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + " ▏▎▍▌▋▊▉"[rest].strip()


def columns(counts: Sequence[int], height: int, width: int = 2) -> list[str]:
    """Draw counts as columns side by side, the largest as high as the lines that are returned, top line first."""
    largest = max(counts, default=0) or 1
    # Something is never drawn as nothing.
    eighths = [max(round(number / largest * height * 8), 1 if number else 0) for number in counts]
    return [
        "".join(_EIGHTHS[min(max(column - 8 * line, 0), 8)] * width for column in eighths)
        for line in reversed(range(height))
    ]


def axis(left: str, middle: str, right: str, width: int) -> str:
    """Write three labels below a chart of this width."""
    half = (width - len(middle)) // 2
    return (left.ljust(half) + middle).ljust(width - len(right)) + right


def timeline(start: float, length: float, width: int) -> str:
    """Draw a part of a period, both given as shares of it; however short, it is seen."""
    first = min(int(start * width), width - 1)
    last = min(max(round((start + length) * width), first + 1), width)
    return " " * first + "━" * (last - first) + " " * (width - last)
