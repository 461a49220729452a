"""References of parts of the data add up."""

from __future__ import annotations

import numpy as np
import pytest

from otelml.monitors.reference import ABOVE, BELOW, UNLISTED, Reference
from tests.monitors.reference.tables import mixed, normal


def test_the_same_bins_add_up_exactly() -> None:
    """Parts counted with the same bins give the counts of the whole."""
    X = normal(3_000, 3)
    first = Reference.build(X[:1_000])
    second = first.with_counts(first.bin(X[1_000:]).counts, 2_000)
    merged = first.merge(second)
    assert merged.rows == 3_000
    assert merged.counts.tolist() == first.bin(X).counts.tolist()


def test_further_rows_extend_a_reference() -> None:
    """What `partial_fit` learns from is added, with its target; values that a part lacks count as missing."""
    table = mixed()
    reference = Reference.build(table, target=[0, 1] * 200)
    extended = reference.extended(mixed(100, seed=1), target=[1] * 100)
    assert extended.rows == 500
    assert (extended.counts.sum(1) == 500).all()
    assert extended.target is not None
    assert extended.target.counts[0, :2].tolist() == [200, 300]
    assert reference.rows == 400
    without = {name: column for name, column in mixed(100, seed=1).items() if name != "plan"}
    again = Reference.from_dict(reference.extended(without).to_dict())
    assert again.rows == 500


def test_other_bins_are_spread() -> None:
    """Rows of other bins are spread by overlap: none gets lost, and the shape is about right."""
    first, second = Reference.build(normal(5_000, 2)), Reference.build(normal(5_000, 2, seed=1) * 2 + 1)
    merged = first.merge(second)
    assert (merged.counts.sum(1) == 10_000).all()
    exact = first.counts + first.bin(normal(5_000, 2, seed=1) * 2 + 1).counts
    assert abs(merged.counts - exact)[:, 1:-5].max() < 50
    assert (merged.counts[:, [BELOW, ABOVE]] > exact[:, [BELOW, ABOVE]]).all()  # the outermost bins are wide


def test_other_categories_are_matched() -> None:
    """Categories are added by name; those that the first has not kept are unlisted."""
    first = Reference.build({"plan": ["a"] * 30 + ["b"] * 20})
    second = Reference.build({"plan": ["b"] * 30 + ["c"] * 10})
    merged = first.merge(second)
    assert merged.features[0].categories == ("a", "b")
    assert merged.counts[0, [0, 1, UNLISTED]].tolist() == [30, 50, 10]


def test_centers_and_shares_are_weighted() -> None:
    """The means of the bins and the share of repeated rows are those of both parts."""
    first = Reference.build(np.repeat([0.0, 10.0], 500))
    moved = np.where(first.centers == 10.0, 10.4, first.centers)
    second = Reference(**{**first.__getstate__(), "centers": moved, "repeated": 0.0})
    merged = first.merge(second)
    assert merged.centers[0, 1] == pytest.approx(10.2)
    assert merged.repeated == pytest.approx(first.repeated / 2)


def test_other_columns_do_not_merge() -> None:
    """References of different columns are refused."""
    with pytest.raises(ValueError, match="different features"):
        Reference.build({"a": [1.0]}).merge(Reference.build({"b": [1.0]}))


def test_order_does_not_matter_for_the_same_bins() -> None:
    """Adding up is commutative, so a fleet's parts may come in any order."""
    X = normal(900, 2)
    base = Reference.build(X)
    parts = [base.with_counts(base.bin(X[at::3]).counts, 300) for at in range(3)]
    forward = parts[0].merge(parts[1]).merge(parts[2])
    backward = parts[2].merge(parts[1]).merge(parts[0])
    assert forward.to_json() == backward.to_json()
