"""What monitors said, as tables for the terminal. Needs rich."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from otelml.semconv.attributes import DataQualityCheckResult, DriftMethod, DriftReferenceState, DriftState, DriftType
from otelml.viewer import formats
from otelml.viewer.monitoring import DriftRow, FindingRow, PredictionRow, QualityRow
from otelml.viewer.terminal_parts import MAX_ROWS, model_name, plain, table, with_rest

_MAX_SENTENCE = 500
_STYLES = {
    DriftState.WARMING_UP: "dim",
    DriftState.OK: "green",
    DriftState.WARNING: "yellow",
    DriftState.DRIFTED: "bold red",
    DataQualityCheckResult.PASS: "green",
    DataQualityCheckResult.FAIL: "bold red",
    DriftReferenceState.CAPPED: "yellow",
    DriftReferenceState.REFUSED: "yellow",
}
_SUBJECTS = {
    DriftType.DEPENDENCE: "dependence of features",
    DriftType.PREDICTION: "predictions",
    DriftType.SCORE: "scores",
    DriftType.LABEL: "labels",
}
_CHANGED = (DriftState.WARNING, DriftState.DRIFTED)


def monitors_table(
    drift: Sequence[DriftRow], quality: Sequence[QualityRow], predictions: Sequence[PredictionRow]
) -> RenderableType | None:
    """Show in a few lines for each model what its monitors say now."""
    models = list(dict.fromkeys((row.model, row.version) for rows in (drift, quality, predictions) for row in rows))
    if not models:
        return None
    shown = table("Monitors", ("Model", "Watched", "Now"), ())
    for model in models[:MAX_ROWS]:
        lines = [
            *_drift_lines([row for row in drift if (row.model, row.version) == model]),
            *_quality_lines([row for row in quality if (row.model, row.version) == model]),
            *_prediction_lines([row for row in predictions if (row.model, row.version) == model]),
        ]
        for number, (watched, now) in enumerate(lines):
            shown.add_row("" if number else model_name(*model), watched, now)
    return with_rest(shown, models)


def drift_table(rows: Sequence[DriftRow]) -> RenderableType | None:
    """Show what has changed, and by how much."""
    changed = [row for row in rows if row.state in _CHANGED]
    if not changed:
        return None
    shown = table("Drift", ("Model", "What", "State"), ("PSI", "KS"))
    for row in changed[:MAX_ROWS]:
        shown.add_row(
            model_name(row.model, row.version),
            plain(row.feature or _SUBJECTS.get(row.type, row.type)),
            plain(row.state, _STYLES.get(row.state, "")),
            *(f"{row.scores[it]:.2f}" if it in row.scores else "-" for it in (DriftMethod.PSI, DriftMethod.KS)),
        )
    return with_rest(shown, changed)


def findings_table(rows: Sequence[FindingRow]) -> RenderableType | None:
    """Show the changes of state in words."""
    if not rows:
        return None
    shown = table("Findings of the monitors", ("When", "Model"), ())
    shown.add_column("Finding", ratio=1)
    for row in rows[:MAX_ROWS]:
        shown.add_row(
            time.strftime("%H:%M:%S", time.localtime(row.time_ns / 1e9)),
            model_name(row.model, row.version),
            plain(row.sentence, _STYLES.get(row.state, ""), _MAX_SENTENCE),
        )
    return with_rest(shown, rows)


def _drift_lines(rows: Sequence[DriftRow]) -> Iterator[tuple[RenderableType, RenderableType]]:
    features = [row for row in rows if row.type == DriftType.FEATURE]
    if features:
        yield plain(f"drift (reference: {features[0].reference})"), features_sentence(features)
    for row in rows:
        # Most applications never tell the true labels, which then warm up for ever.
        waits_for_labels = row.type == DriftType.LABEL and row.state == DriftState.WARMING_UP
        if row.type != DriftType.FEATURE and not waits_for_labels:
            state = row.state.replace("_", " ")
            yield plain(_SUBJECTS.get(row.type, row.type)), plain(state, _STYLES.get(row.state, ""))


def features_sentence(rows: Sequence[DriftRow]) -> Text:
    """Say how many features are watched and what has become of them: ``19 features, none has drifted``."""
    states = [row.state for row in rows]
    drifted, warning = states.count(DriftState.DRIFTED), states.count(DriftState.WARNING)
    parts: list[Text] = []
    if drifted:
        parts.append(Text(f"{drifted} {_have(drifted)} drifted", _STYLES[DriftState.DRIFTED]))
    if warning:
        parts.append(Text(f"{warning} {_have(warning)} changed a little", _STYLES[DriftState.WARNING]))
    if not parts and DriftState.OK in states:
        parts.append(Text("none has drifted", _STYLES[DriftState.OK]))
    if not parts:
        parts.append(Text("warming up", _STYLES[DriftState.WARMING_UP]))
    return Text(", ").join([Text(_counted(len(rows), "feature")), *parts])


def _quality_lines(rows: Sequence[QualityRow]) -> Iterator[tuple[RenderableType, RenderableType]]:
    if not rows:
        return
    failed = [row for row in rows if row.failed]
    if not failed:
        done = any(row.windows for row in rows)
        now = Text("none has failed", "green") if done else Text("warming up", "dim")
        yield Text("data quality"), Text.assemble(f"{_counted(len(rows), 'check')}, ", now)
    for row in failed:
        counts = f"{formats.count(row.failed)} of {formats.count(row.windows)} windows failed"
        violations = f", {formats.count(row.violations)} violations"
        yield plain(f"data quality: {row.check}"), Text.assemble((counts, "red"), violations)


def _prediction_lines(rows: Sequence[PredictionRow]) -> Iterator[tuple[RenderableType, RenderableType]]:
    for row in rows:
        known = {
            "mean {}": row.confidence,
            "entropy {}": row.entropy,
            "{} near the threshold": row.near_threshold,
        }
        said = [words.format(formats.share(value)) for words, value in known.items() if value is not None]
        yield Text("confidence"), Text(", ".join(said))


def _counted(number: int, what: str) -> str:
    return f"{formats.count(number)} {what}{'s' if number != 1 else ''}"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
