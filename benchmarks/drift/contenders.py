"""Those who judge a window, each with its defaults. Their libraries are imported in the environments that have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from benchmarks.drift.tables import CATEGORICAL, COLUMNS, NUMERIC

DEPENDENCE = "(dependence)"
"""Flagged in place of a column where the dependence between columns has changed."""


class Contender(Protocol):
    """Knows the reference, and judges windows independently of each other."""

    def flagged(self, window: pd.DataFrame) -> set[str]:
        """The columns in which something is said to have changed."""
        ...


class Otelml:
    """`DriftMonitor` with windows of one length; a warning counts."""

    def __init__(self, reference: pd.DataFrame, rows: int) -> None:
        from otelml.monitors import DriftMonitor, Reference

        self._monitor = DriftMonitor(Reference.build(reference), windows=(rows,))

    def flagged(self, window: pd.DataFrame) -> set[str]:
        self._monitor.reset()
        binned = self._monitor.reference.bin(window, with_codes=True)
        findings = self._monitor.update_binned(binned)
        return {finding.feature or DEPENDENCE for finding in findings}


class Evidently:
    """The test that `DataDriftPreset` picks for a column, with its threshold; its report takes 30 times as long."""

    def __init__(self, reference: pd.DataFrame, rows: int) -> None:
        from evidently.legacy.calculations.stattests import get_stattest

        self._pick: Callable[..., Any] = get_stattest
        self._reference = _with_texts(reference)

    def flagged(self, window: pd.DataFrame) -> set[str]:
        current = _with_texts(window)
        flagged = set()
        for column in COLUMNS:
            kind = "num" if column in NUMERIC else "cat"
            before, now = self._reference[column].dropna(), current[column].dropna()
            if self._pick(before, now, kind, None)(before, now, kind, None).drifted:
                flagged.add(column)
        return flagged


class AlibiDetect:
    """`TabularDrift` with Bonferroni's correction. It takes no missing values: median and commonest stand in."""

    def __init__(self, reference: pd.DataFrame, rows: int) -> None:
        from alibi_detect.cd import TabularDrift

        self._fill = {**reference[list(NUMERIC)].median(), **{name: f"{name}_0" for name in CATEGORICAL}}
        kinds = {COLUMNS.index(name): None for name in CATEGORICAL}
        self._detector = TabularDrift(self._array(reference), p_val=0.05, categories_per_feature=kinds)

    def _array(self, frame: pd.DataFrame) -> Any:
        texts = _with_texts(frame)
        return np.column_stack([texts[name].fillna(self._fill[name]).to_numpy(dtype=object) for name in COLUMNS])

    def flagged(self, window: pd.DataFrame) -> set[str]:
        array = self._array(window)
        p = self._detector.predict(array, drift_type="feature")["data"]["p_val"]
        return {name for name, value in zip(COLUMNS, p, strict=True) if value < 0.05 / len(COLUMNS)}


class NannyML:
    """`UnivariateDriftCalculator` in chunks of the window's size, against the spread of the reference's chunks."""

    def __init__(self, reference: pd.DataFrame, rows: int) -> None:
        import nannyml

        nannyml.disable_usage_logging()
        size = min(rows, len(reference) // 10)  # of fewer than ten chunks it takes no spread
        self._calculator = nannyml.UnivariateDriftCalculator(column_names=list(COLUMNS), chunk_size=size)
        self._calculator.fit(_with_texts(reference))

    def flagged(self, window: pd.DataFrame) -> set[str]:
        from nannyml.chunk import CountBasedChunker

        self._calculator.chunker = CountBasedChunker(chunk_number=1)
        found = self._calculator.calculate(_with_texts(window)).filter(period="analysis").to_df()
        return {name for name in COLUMNS if bool(found[(name, "jensen_shannon", "alert")].iloc[0])}


class River:
    """ADWIN on each numeric column, which knows no reference: it has seen 1,000 of its rows when the window comes."""

    def __init__(self, reference: pd.DataFrame, rows: int) -> None:
        from river.drift import ADWIN

        self._make: Callable[[], Any] = ADWIN
        self._before = {name: reference[name].dropna().to_numpy()[:1_000] for name in NUMERIC}

    def flagged(self, window: pd.DataFrame) -> set[str]:
        flagged = set()
        for name in NUMERIC:
            detector = self._make()
            for value in self._before[name]:
                detector.update(value)
            for value in window[name].dropna().to_numpy():
                detector.update(value)
                if detector.drift_detected:
                    flagged.add(name)
                    break
        return flagged


class WhyLogs:
    """`calculate_drift_scores` on profiles; its verdict "DRIFT" counts, "POSSIBLE_DRIFT" does not."""

    def __init__(self, reference: pd.DataFrame, rows: int) -> None:
        import whylogs

        self._log: Callable[..., Any] = whylogs.log
        self._view = self._log(_with_texts(reference)).view()

    def flagged(self, window: pd.DataFrame) -> set[str]:
        from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

        scores = calculate_drift_scores(
            target_view=self._log(_with_texts(window)).view(), reference_view=self._view, with_thresholds=True
        )
        return {name for name, score in scores.items() if score and score["drift_category"] == "DRIFT"}


CONTENDERS: Mapping[str, Callable[[pd.DataFrame, int], Contender]] = {
    "otelml": Otelml,
    "Evidently": Evidently,
    "alibi-detect": AlibiDetect,
    "NannyML": NannyML,
    "river": River,
    "whylogs": WhyLogs,
}

PEERS = {
    "Evidently": "drift-evidently",
    "alibi-detect": "drift-alibi-detect",
    "NannyML": "drift-nannyml",
    "river": "drift-river",
    "whylogs": "drift-whylogs",
}
"""The environment of each contender but otelml: `peers-<name>.txt` beside this folder."""


def _with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as texts, for libraries that know no categorical columns."""
    return frame.astype(dict.fromkeys(CATEGORICAL, object))
