"""References travel as plain dicts and as JSON, and what comes back is checked."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otelml.monitors.reference import Reference
from tests.monitors.reference.tables import mixed, normal

TIMES = np.datetime64("2026-01-01T00") + np.arange(400) * np.timedelta64(1, "h")


def everything() -> Reference:
    """A reference with features of all kinds, a target, dependence and periods."""
    table = mixed()
    table["amount"][7] = float("inf")
    target = [value or 0 for value in table["count"]]
    dependence = Reference.build(table).dependence
    return replace(Reference.build(table, target=target, times=TIMES, period="weekday"), dependence=dependence)


def same(first: Any, second: Any) -> bool:
    """Whether two plain values are equal, arrays and their types included."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    return type(first) is type(second) and first == second


@pytest.mark.parametrize(
    "travel",
    [
        lambda reference: Reference.from_dict(reference.to_dict()),
        lambda reference: Reference.from_dict(pickle.loads(pickle.dumps(reference.to_dict()))),
        lambda reference: Reference.from_json(reference.to_json()),
        lambda reference: pickle.loads(pickle.dumps(reference)),
    ],
)
def test_nothing_is_lost(travel: Callable[[Reference], Reference]) -> None:
    """A reference is the same after every way of travelling, and bins the same."""
    reference = everything()
    reference.bin(mixed(9))
    back = travel(reference)
    assert same(back.to_dict(), reference.to_dict())
    # What was unpacked has 32 bits a number where the edges have no more.
    assert np.array_equal(back.centers, reference.centers.astype(back.centers.dtype), equal_nan=True)
    assert back.bin(mixed(100, seed=2)).counts.tolist() == reference.bin(mixed(100, seed=2)).counts.tolist()
    assert back.periods is not None
    assert back.dependence is not None
    assert back.target is not None


def test_lists_stand_for_arrays() -> None:
    """Arrays that became lists in somebody's JSON are read all the same."""
    reference = everything()
    plain = json.loads(json.dumps(reference.to_dict(), default=lambda value: value.tolist()))
    assert same(Reference.from_dict(plain).to_dict(), reference.to_dict())


def test_thirty_features_fit_into_ten_kilobytes() -> None:
    """The pickled profile of 30 numeric features with names, a target and dependence is at most 10 kB."""
    rng = np.random.default_rng(0)
    X = normal(50_000, 30) @ rng.normal(size=(30, 30))
    X[:, :5] = np.exp(X[:, :5] / 3)
    names = [f"feature_{at}_of_thirty" for at in range(30)]
    reference = Reference.build(X, target=(X[:, 0] > 1).astype(int), feature_names=names)
    assert reference.dependence is not None
    assert len(pickle.dumps(reference.to_dict())) <= 10_000


def test_json_reads_well() -> None:
    """Numbers in the file have as many digits as they need: round edges, and no rounding errors of 32-bit floats."""
    stored = json.loads(Reference.build(normal(2_000, 5)).to_json())
    assert max(len(str(edge)) for edge in stored["edges"]["values"]) <= 9


def test_plain_types_only() -> None:
    """A profile holds dicts, lists, texts, numbers and NumPy arrays of numbers: it loads where otelml is absent."""

    def types(value: Any) -> set[type]:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return {type(value)}.union(*(types(part) for part in parts))

    plain = everything().to_dict()
    assert types(plain) <= {dict, list, str, int, float, bool, np.ndarray}
    code = (
        "import pickle, sys; pickle.load(sys.stdin.buffer); assert not any(m.startswith('otelml') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(plain), check=True)


def test_skops_loads_a_profile(tmp_path: Path) -> None:
    """skops, which loads trusted types only, loads a profile without being told to trust anything."""
    from skops import io

    reference = everything()
    io.dump(reference.to_dict(), tmp_path / "profile.skops")
    assert io.get_untrusted_types(file=tmp_path / "profile.skops") == []
    assert same(Reference.from_dict(io.load(tmp_path / "profile.skops")).to_dict(), reference.to_dict())


def test_files(tmp_path: Path) -> None:
    """A reference is saved to a JSON file and loaded from it; an error names the file."""
    path = tmp_path / "reference.json"
    reference = everything()
    reference.save(path)
    assert Reference.load(path).to_json() == reference.to_json()
    path.write_text('{"version": 9}')
    with pytest.raises(ValueError, match=r"reference\.json: version: 9 is newer"):
        Reference.load(path)
    with pytest.raises(OSError, match=os.fspath(tmp_path / "none.json")):
        Reference.load(tmp_path / "none.json")


def changed(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Set one field."""
    return lambda plain: plain.update({field: value})


TAMPERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "version": changed("version", 2),
    "rows": changed("rows", -1),
    "columns": changed("columns", 2),
    "rare": changed("rare", "few"),
    "repeated": changed("repeated", 1.5),
    "kinds": changed("kinds", "nnx"),
    "names": changed("names", ["a", "a"]),
    "categories": changed("categories", [["a", "a"]]),
    "edge_counts": lambda plain: plain["edge_counts"].__setitem__(0, 1),
    "edges": lambda plain: plain["edges"].__setitem__(3, np.nan),
    "edges: ": lambda plain: plain.update(edges=plain["edges"][::-1].copy()),
    "centers": changed("centers", np.zeros(2, np.uint8)),
    "counts": lambda plain: plain["counts"].__setitem__(0, 60_000),
    "spread": lambda plain: plain["spread"].__setitem__(0, 0),
    "nonfinite": changed("nonfinite", np.zeros(1, np.int64)),
    "target": changed("target", [1]),
    "target: rows": lambda plain: plain["target"].update(rows=0),
    "dependence": lambda plain: plain["dependence"].update(rows="x"),
    "periods": lambda plain: plain["periods"].update(kind="month"),
    "clock": lambda plain: plain["periods"].update(clock=0),
}


@pytest.mark.parametrize("field", TAMPERED)
def test_what_was_tampered_with_is_refused(field: str) -> None:
    """Each field that is changed to something impossible is refused with its name."""
    plain = pickle.loads(pickle.dumps(everything().to_dict()))
    TAMPERED[field](plain)
    with pytest.raises(ValueError, match=field.strip()):
        Reference.from_dict(plain)


@pytest.mark.parametrize(
    "field", sorted(everything().to_dict().keys() - {"named", "nonfinite", "target", "dependence", "periods"})
)
def test_what_is_missing_is_refused(field: str) -> None:
    """Each needed field that is missing is refused with its name."""
    plain = everything().to_dict()
    del plain[field]
    with pytest.raises(ValueError, match=field if field != "names" else "."):
        Reference.from_dict(plain) if field != "names" else Reference.from_dict({**plain, "names": None})


@pytest.mark.parametrize("garbage", [None, [], "text", 3, {}, {"version": True}, {"version": "1"}])
def test_what_is_no_reference_is_refused(garbage: Any) -> None:
    """Something else than a profile is refused."""
    with pytest.raises(ValueError, match=r"version|dict"):
        Reference.from_dict(garbage)


@pytest.mark.parametrize(
    "text", ["", "[", "3", '{"version":1,"rows":{"type":"O","shape":[1],"values":[1]}}', "[" * 100_000]
)
def test_broken_json_is_refused(text: str) -> None:
    """A file that is no JSON, or holds no reference, is a `ValueError`."""
    with pytest.raises(ValueError, match=r"."):
        Reference.from_json(text)


def test_any_single_change_is_refused_or_harmless() -> None:
    """Whatever number of a stored reference is changed, it is refused with a `ValueError` or still bins."""
    text = everything().to_json()
    rng = np.random.default_rng(0)
    digits = [at for at, character in enumerate(text) if character.isdigit()]
    refused = 0
    for at in rng.choice(digits, 150, replace=False).tolist():
        broken = text[:at] + "-9e9"[int(rng.integers(4))] + text[at + 1 :]
        try:
            reference = Reference.from_json(broken)
        except ValueError:
            refused += 1
            continue
        reference.bin(mixed(9))
    assert refused > 20
