"""Numbers and bars as text."""

from __future__ import annotations

import math

import pytest

from otelml.viewer import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 µs"),
        (1.234e-6, "1.23 µs"),
        (0.000999994, "1.00 ms"),
        (0.00125, "1.25 ms"),
        (0.0321, "32.1 ms"),
        (0.9996, "1.00 s"),
        (1.0, "1.00 s"),
        (59.94, "59.9 s"),
        (999.0, "999 s"),
        (7200.0, "120 min"),
        (math.nan, "-"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """A duration has three digits and the unit that fits."""
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0.0%"), (0.0001, "<0.1%"), (0.265, "26.5%"), (0.9999, ">99.9%"), (1, "100.0%")],
)
def test_share(part: float, text: str) -> None:
    """A share is in percent, and neither nothing nor all unless it is."""
    assert formats.share(part) == text


def test_bar() -> None:
    """A bar is as long as its share of the width, to an eighth of a character."""
    assert [formats.bar(part, 4) for part in (0, 0.03125, 0.5, 0.59375, 1)] == ["", "▏", "██", "██▍", "████"]


def test_columns() -> None:
    """The largest count fills all lines, something is never nothing, and the bottom line is last."""
    assert formats.columns([16, 8, 4, 0, 1], height=2, width=1) == ["█    ", "██▄ ▁"]
    assert formats.columns([1, 1000], height=1) == ["▁▁██"]
    assert formats.columns([0, 0], height=1, width=1) == ["  "]


def test_axis() -> None:
    """The labels stand at the left, in the middle and at the right."""
    assert formats.axis("0", "0.5", "1", 11) == "0   0.5   1"


def test_timeline() -> None:
    """A part of a period is drawn where it lies, and seen however short and late it is."""
    assert formats.timeline(0, 1, 8) == "━━━━━━━━"
    assert formats.timeline(0.25, 0.5, 8) == "  ━━━━  "
    assert formats.timeline(1, 0, 8) == "       ━"
