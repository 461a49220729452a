"""Which burn rates an objective can be alerted on: multi-window, multi-burn-rate, with factors that can be reached.

The scheme is that of chapter 5 of the Site Reliability Workbook: a fast alert when a small share of the error budget
went in a short window, slower ones for larger shares. A burn rate cannot exceed `1 / (1 - target)`, at which every
event is bad: for a target of 80% that is 5, and the workbook's factor of 14.4 would never fire. Where a factor is out
of reach the window is lengthened until the same share of the budget is spent at a factor that can be reached.
"""

from __future__ import annotations

from dataclasses import dataclass

from otelml.rules.promql import seconds
from otelml.rules.rule import Severity

#: Share of the largest burn rate that an alert may ask for: it fires well before everything is bad.
REACHABLE = 0.6
#: Below this the budget outlasts its period, and there is nothing to be alerted on.
SLOWEST = 0.9

_LADDER: tuple[tuple[Severity, float, int], ...] = (
    ("page", 0.02, 1),
    ("page", 0.05, 6),
    ("ticket", 0.1, 24),
    ("ticket", 0.1, 72),
)
# The long windows in hours, each with a twelfth of it, so that an alert ends soon after its cause.
_WINDOWS = {
    1: "5m", 2: "10m", 3: "15m", 6: "30m", 9: "45m", 12: "1h", 18: "90m", 24: "2h", 36: "3h", 48: "4h", 72: "6h",
}  # fmt: skip
LONG_WINDOWS = tuple(f"{hours}h" for hours in _WINDOWS)


@dataclass(frozen=True, slots=True)
class BurnAlert:
    """One step of the ladder.

    Attributes:
        budget: share of the period's error budget that is gone when the long window is full of such errors.
        factor: the burn rate that both windows must exceed.
    """

    severity: Severity
    budget: float
    factor: float
    long: str
    short: str


def largest_burn_rate(target: float) -> float:
    """Return the burn rate at which every event is bad."""
    return 1 / (1 - target)


def short_window(long: str) -> str:
    """Return the window that says whether it still goes on."""
    return _WINDOWS[seconds(long) // 3600]


def burn_alerts(target: float, period: str) -> tuple[BurnAlert, ...]:
    """Return the alerts for an objective, the fastest first; none where no factor can be reached.

    Args:
        target: the share of events that must be good, above 0 and below 1.
        period: the time that the error budget is for, such as `28d`.
    """
    hours = seconds(period) / 3600
    ceiling = REACHABLE * largest_burn_rate(target)
    found: dict[str, BurnAlert] = {}
    for severity, budget, shortest in _LADDER:
        for long in _WINDOWS:
            factor = budget * hours / long
            if long >= shortest and SLOWEST <= factor <= ceiling:
                # Two steps that end at one window ask for the same or more of the budget: the first is the stricter.
                found.setdefault(f"{long}h", BurnAlert(severity, budget, factor, f"{long}h", _WINDOWS[long]))
                break
    return tuple(found.values())
