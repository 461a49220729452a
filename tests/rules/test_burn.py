"""Every burn rate that is alerted on can be reached."""

from __future__ import annotations

import pytest

from otelml.rules.burn import SLOWEST, burn_alerts, largest_burn_rate
from otelml.rules.promql import seconds

TARGETS = [0.4, 0.5, 0.667, 0.8, 0.834, 0.9, 0.931, 0.95, 0.99, 0.999, 0.9999]


@pytest.mark.parametrize("period", ["7d", "28d", "30d", "90d"])
@pytest.mark.parametrize("target", TARGETS)
def test_factors_can_be_reached(target: float, period: str) -> None:
    """No factor exceeds what is spent when every event is bad, and each means a share of the budget."""
    for step in burn_alerts(target, period):
        assert SLOWEST <= step.factor < largest_burn_rate(target)
        assert step.factor * seconds(step.long) / seconds(period) == pytest.approx(step.budget)
        assert seconds(step.short) * 12 == seconds(step.long)


def test_the_workbooks_own_scheme() -> None:
    """For a high target and 30 days it is the table of the workbook: 14.4, 6, 3 and 1."""
    found = [(step.severity, step.long, step.short, round(step.factor, 3)) for step in burn_alerts(0.999, "30d")]
    assert found == [
        ("page", "1h", "5m", 14.4),
        ("page", "6h", "30m", 6.0),
        ("ticket", "24h", "2h", 3.0),
        ("ticket", "72h", "6h", 1.0),
    ]


def test_a_low_target_gets_longer_windows() -> None:
    """Precision of 80% burns at 5 times at most, so the fast alert asks for less, over a longer time."""
    first = burn_alerts(0.8, "30d")[0]
    assert (first.long, round(first.factor, 2)) == ("6h", 2.4)


def test_no_alert_for_a_hopeless_target() -> None:
    """Where hardly anything has to be good no burn rate is worth an alert."""
    assert burn_alerts(0.2, "28d") == ()
