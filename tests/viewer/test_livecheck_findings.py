from __future__ import annotations

from otelml.viewer.livecheck import Finding, Tally, as_dict


def finding(name: str, *, value: object = None, level: str = "violation") -> Finding:
    """A finding about a metric."""
    return Finding("type_mismatch", level, "metric", name, "wrong", "shop.name", value)  # type: ignore[arg-type]


def test_findings_that_differ_in_value_are_counted_together() -> None:
    """A fault of every call is one group, shown with the first value, and the worst groups come first."""
    tally = Tally()
    tally.add([finding("a", value=1, level="information"), finding("b", value=2), finding("b", value=3)])
    tally.add([finding("c"), finding("b", value=4)])
    groups = tally.groups()
    assert [(it.signal_name, it.value, count) for it, count in groups] == [("b", 2, 3), ("c", None, 1), ("a", 1, 1)]
    assert [it.signal_name for it, _ in tally.groups("violation")] == ["b", "c"]
    assert tally.by_level == {"violation": 4, "information": 1}


def test_tally_is_bounded() -> None:
    """Telemetry that is wrong in a new way each time does not fill the memory; what was left out is counted."""
    tally = Tally(capacity=2)
    tally.add(finding(str(number)) for number in range(5))
    assert len(tally.groups()) == 2
    assert (tally.dropped, tally.by_level["violation"]) == (3, 5)


def test_finding_as_plain_values() -> None:
    """A finding has a form that JSON can hold."""
    assert as_dict(finding("a", value=1), 3) == {
        "id": "type_mismatch",
        "level": "violation",
        "signal_kind": "metric",
        "signal_name": "a",
        "message": "wrong",
        "attribute": "shop.name",
        "value": 1,
        "count": 3,
    }
