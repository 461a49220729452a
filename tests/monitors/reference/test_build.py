"""What a reference says of its training table."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from otelml.monitors.reference import ABOVE, BELOW, MISSING, UNLISTED, Reference
from otelml.monitors.reference import build as building
from tests.monitors.reference.tables import KINDS, mixed, normal


def test_bins_are_quantiles() -> None:
    """A continuous column falls into 20 bins of equal size, and every row is counted."""
    reference = Reference.build(normal(10_000))
    assert reference.counts[:, :20].min() >= 490
    assert reference.counts[:, :20].max() <= 510
    assert (reference.counts.sum(1) == 10_000).all()


def test_kinds_follow_from_the_values() -> None:
    """Numbers, categories, booleans, dates and texts are told apart, and missing values are counted apart."""
    reference = Reference.build(mixed())
    assert [feature.kind for feature in reference.features] == KINDS
    assert reference.counts[:, MISSING].tolist() == [1] * 6
    assert reference.ordered.tolist() == [True, True, False, False, True, True]


def test_categories_stand_by_descending_count() -> None:
    """The first cells of a categorical feature are its categories, the most frequent one first."""
    reference = Reference.build({"plan": ["pro"] * 10 + ["basic"] * 30 + ["plus"] * 20})
    assert reference.features[0].categories == ("basic", "plus", "pro")
    assert reference.counts[0, :3].tolist() == [30, 20, 10]
    assert reference.labels(0)[:3] == ("'basic'", "'plus'", "'pro'")


def test_rare_categories_are_not_kept() -> None:
    """A category that was seen less than five times leaves no trace but a count."""
    reference = Reference.build({"name": ["common"] * 96 + ["J. Doe"] * 4})
    assert reference.features[0].categories == ("common",)
    assert reference.counts[0, UNLISTED] == 4
    assert "Doe" not in reference.to_json()


def test_no_training_value_of_a_continuous_column_leaves() -> None:
    """None of the numbers in a profile is one of the training values."""
    X = normal(5_000, 4)
    reference = Reference.build(X)
    stored = json.loads(reference.to_json())
    known = {round(value, 12) for value in X.ravel().tolist()}
    assert not known & {round(value, 12) for value in stored["edges"]["values"]}
    assert not known & {round(value, 12) for value in reference.centers[np.isfinite(reference.centers)].tolist()}


def test_outliers_do_not_move_the_limits() -> None:
    """A few wild values among many are out of range themselves, and the bins are as without them."""
    X = normal(10_000, 1)
    wild = X.copy()
    wild[:4] = [[1e9], [-1e9], [np.inf], [-np.inf]]
    reference = Reference.build(wild)
    assert abs(reference.features[0].edges).max() < 6
    assert reference.counts[0, [BELOW, ABOVE]].tolist() == [2, 2]
    assert reference.nonfinite.tolist() == [2]


def test_limits_leave_room() -> None:
    """Further values of the same normal distribution are inside the limits."""
    reference = Reference.build(normal(10_000, 5))
    counts = reference.bin(normal(50_000, 5, seed=1)).counts
    assert counts[:, [BELOW, ABOVE]].sum() <= 3


def test_a_column_without_negative_values_forbids_them() -> None:
    """The usual stand-ins for a missing number, -1 and -999, are out of range."""
    reference = Reference.build(np.random.default_rng(0).exponential(size=(5_000, 1)) + 0.01)
    assert reference.bin(np.array([[-1.0], [-999.0], [0.0]])).counts[0, BELOW] == 2


def test_a_frequent_value_has_a_bin_of_its_own() -> None:
    """The zeros of a zero-inflated column are counted apart from what is near them."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random(10_000) < 0.6, 0.0, rng.lognormal(size=10_000))
    reference = Reference.build(X)
    at = reference.codes(np.array([0.0]))[0, 0]
    assert reference.counts[0, at] == (X == 0).sum()
    assert reference.labels(0)[at] == "0"


def test_a_frequent_value_amid_others_has_a_bin_of_its_own() -> None:
    """A value that makes up more than a bin's share is alone in its bin, wherever it stands."""
    X = normal(10_000, 1).ravel()
    X[:550] = 0.3337
    reference = Reference.build(X)
    assert reference.counts[0, reference.codes(np.array([0.3337]))[0, 0]] == 550


def test_few_values_are_bins_each() -> None:
    """A column of whole numbers with few values has a bin for each, called by it."""
    X = np.repeat([1.0, 2.0, 7.0], [50, 30, 20])
    reference = Reference.build(X)
    assert reference.labels(0)[:3] == ("1", "2", "7")
    assert reference.counts[0, :3].tolist() == [50, 30, 20]


def test_the_outer_of_few_values_are_the_limits() -> None:
    """Of codes such as 1, 2, 3, a new one is out of range; the known ones are not, as 32-bit floats either."""
    reference = Reference.build(np.repeat([0.1, 0.2, 0.3], 50))
    known = np.array([0.1, 0.2, 0.3])
    assert reference.bin(known).counts[0, :3].tolist() == [1, 1, 1]
    assert reference.bin(known.astype(np.float32)).counts[0, :3].tolist() == [1, 1, 1]
    assert reference.bin(np.array([0.09, 0.301])).counts[0, [BELOW, ABOVE]].tolist() == [1, 1]


def test_names_come_from_the_table_or_by_position() -> None:
    """Columns are called as the table, else the caller, else their position says."""
    assert [f.name for f in Reference.build({"a": [1.0], "b": [2.0]}).features] == ["a", "b"]
    assert [f.name for f in Reference.build([[1.0, 2.0]]).features] == ["x0", "x1"]
    assert [f.name for f in Reference.build([[1.0, 2.0]], feature_names=["u", "v"]).features] == ["u", "v"]


def test_features_beyond_the_limits_are_left_out_and_counted() -> None:
    """The number of features and the bytes of the packed profile are capped; what is left out is told."""
    X = normal(100, 50)
    capped = Reference.build(X, max_features=10)
    assert (len(capped.features), capped.columns, capped.omitted) == (10, 50, 40)
    small = Reference.build(X, max_bytes=2_000)
    assert 1 <= len(small.features) < 20
    assert sum(value.nbytes for value in small.to_dict().values() if isinstance(value, np.ndarray)) < 2_000


def test_more_columns_than_anybody_needs() -> None:
    """Of 100,000 columns the first thousand are profiled, and batches of that width are binned."""
    X = normal(20, 100_000)
    reference = Reference.build(X)
    assert (len(reference.features), reference.omitted) == (1_000, 99_000)
    binned = reference.bin(X)
    assert (binned.counts == reference.counts).all()
    assert binned.columns.appeared == ()


def test_the_same_data_give_the_same_profile_in_another_process() -> None:
    """Profiles are deterministic, whatever the seed of Python's hashes is."""
    code = (
        "from tests.monitors.reference.tables import mixed\n"
        "from otelml.monitors.reference import Reference\n"
        "print(Reference.build(mixed()).to_json())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


def test_counts_are_exact_where_the_bins_come_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a table with more rows than the sample, all rows are counted."""
    monkeypatch.setattr(building, "SAMPLE_ROWS", 500)
    X = np.random.default_rng(0).integers(0, 3, 7_001).astype(float)
    reference = Reference.build(X)
    assert reference.rows == 7_001
    assert reference.counts[0, :3].tolist() == np.bincount(X.astype(int)).tolist()


def test_the_sample_keeps_no_time_with_the_data() -> None:
    """Rows that repeat a pattern are not sampled in step with it, which would miss parts of the pattern."""
    reference = Reference.build(np.tile(np.arange(6.0), 8_000))
    assert reference.features[0].cells == 6


def test_the_values_that_are_counted_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a table beyond the bound, evenly spaced rows are counted, and `rows` says how many."""
    monkeypatch.setattr(building, "SAMPLE_ROWS", 50)
    monkeypatch.setattr(building, "COUNTED_NUMBERS", 300)
    reference = Reference.build(normal(2_000, 3))
    assert 0 < reference.rows <= 100
    assert (reference.counts.sum(1) == reference.rows).all()


def test_the_host_s_table_is_neither_changed_nor_kept() -> None:
    """The array is as it was, and nothing in the reference shares memory with it."""
    X = normal(300, 3)
    X[0, 0] = np.nan
    before = X.tobytes()
    reference = Reference.build(X)
    binned = reference.bin(X)
    assert X.tobytes() == before
    arrays = [reference.counts, reference.centers, binned.counts, binned.hashes, *(f.edges for f in reference.features)]
    assert not any(np.shares_memory(X, array) for array in arrays)


def test_target_is_profiled_beside_the_features() -> None:
    """Classes are a categorical target, many numbers a numeric one, several outputs a feature each."""
    X = normal(500, 2)
    classes = Reference.build(X, target=(X[:, 0] > 0).astype(int)).target
    assert classes is not None
    assert [(f.name, f.kind, sorted(f.categories)) for f in classes.features] == [("target", "categorical", [0.0, 1.0])]
    numbers = Reference.build(X, target=X[:, 0]).target
    assert numbers is not None
    assert numbers.features[0].kind == "numeric"
    several = Reference.build(X, target=X).target
    assert several is not None
    assert [feature.name for feature in several.features] == ["target[0]", "target[1]"]


def test_a_kind_can_be_given() -> None:
    """A column of numbers can be said to be of categories."""
    reference = Reference.build({"shop": [17] * 20 + [4] * 10}, kinds={"shop": "categorical"})
    assert reference.features[0].categories == (17.0, 4.0)
    assert reference.bin({"shop": [4, 17, 99]}).counts[0].tolist()[:2] == [1, 1]


@pytest.mark.parametrize(
    ("X", "options", "words"),
    [
        (np.empty((0, 3)), {}, "0 rows"),
        (np.empty((3, 0)), {}, "0 columns"),
        ([[1.0]], {"bins": 1}, "2 to 200"),
        ([[1.0]], {"feature_names": ["a", "b"]}, "2 feature names for 1"),
        ([[1.0]], {"kinds": {"x0": "number"}}, "no kind of feature 'number'"),
    ],
)
def test_what_cannot_be_profiled_is_refused(X: object, options: dict, words: str) -> None:
    """A table without rows or columns, and wrong options, are refused in words."""
    with pytest.raises(ValueError, match=words):
        Reference.build(X, **options)


@pytest.mark.parametrize("X", [3, None, "text", object(), np.zeros((2, 2, 2))])
def test_what_is_no_table_is_refused(X: object) -> None:
    """Something else than a table raises a `TypeError` that says what would be one."""
    with pytest.raises(TypeError, match="table"):
        Reference.build(X)
