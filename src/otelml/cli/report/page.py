"""The page: models, their features, data quality and predictions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timezone
from html import escape
from importlib.resources import files
from typing import NamedTuple

from otelml._version import __version__
from otelml.cli.report.plots import bars, small_bars, timeline, trend
from otelml.monitors.drift import DriftMonitor
from otelml.monitors.live.features import FeatureMonitors
from otelml.monitors.live.watch import Watch
from otelml.monitors.reference import Reference
from otelml.monitors.reference.layout import Counts
from otelml.observations import DriftState as Check
from otelml.observations.scores import PROBABILITY_BOUNDS
from otelml.semconv.attributes import DataQualityCheckResult, DriftMethod, DriftState, DriftType

_WORST_FIRST = (DriftState.DRIFTED, DriftState.WARNING, DriftState.OK, DriftState.WARMING_UP)
_WORDS = {DriftState.WARMING_UP: "warming up"}
_MOST_PLOTS = 200
_OPEN_PLOTS = 3
_TEXTS = ("Check", "Now")
_STREAMS = {DriftType.PREDICTION: "predictions", DriftType.SCORE: "scores", DriftType.LABEL: "labels"}


class _Shares(NamedTuple):
    """The cells of one feature that are not empty on both sides, with their shares of the rows."""

    labels: list[str]
    reference: list[float]
    live: list[float]


def _shares(reference: Reference, index: int, counts: Counts) -> _Shares:
    before, now = reference.counts[index], counts[index]
    shown = ((before > 0) | (now > 0)) & reference.valid[index]
    labels = [label for label, kept in zip(reference.labels(index), shown, strict=True) if kept]
    both = [(side[shown] / max(side[shown].sum(), 1)).tolist() for side in (before, now)]
    return _Shares(labels, *both)


class _Row(NamedTuple):
    """One feature beside its reference."""

    name: str
    kind: str
    check: Check
    shares: _Shares
    history: tuple[float | None, ...]


def page(watches: Sequence[tuple[str, Watch]]) -> str:
    """The whole page.

    Args:
        watches: the name of the file and what it holds of a model, for each model.
    """
    style = files("otelml.cli.report").joinpath("style.css").read_text(encoding="utf-8")
    made = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    models = "".join(_model(source, watch) for source, watch in watches) or "<p>No model has been called yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>otelml report</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        f'<h1>What the models were given</h1><p class="quiet">Made {made} by otelml {escape(__version__)}. '
        '<i class="key" style="background:var(--ref)"></i>reference'
        '<i class="key" style="background:var(--live)"></i>live</p>'
        f"{models}</body></html>"
    )


def _model(source: str, watch: Watch) -> str:
    model, features = watch.model, watch.features
    version = f" {escape(model.version)}" if model.version else ""
    heading = f"<h2>{escape(model.name)}{version}</h2>"
    if features is None:
        seen = f'<p class="quiet">{escape(source)}: no reference yet, {watch.sampling.seen:,} rows seen.</p>'
        return heading + seen + _predictions(watch)
    rows = _rows(features, watch)
    reference = features.reference
    about = (
        f'<p class="quiet">{escape(source)}: compared with {reference.rows:,} rows of the reference '
        f"<b>{escape(features.name)}</b>{_omitted(features)}.</p>"
    )
    return (
        heading
        + about
        + _tiles(watch, rows)
        + _dependence(features)
        + _table(rows, watch.settings.drift_minimum_effect)
        + _plots(rows, watch)
        + _quality(features)
        + _predictions(watch)
    )


def _omitted(features: FeatureMonitors) -> str:
    left = features.reference.omitted
    return f"; {left:,} further columns are not watched" if left else ""


def _rows(features: FeatureMonitors, watch: Watch) -> list[_Row]:
    reference, windows = features.reference, features.drift.deciding_windows
    points = watch.history.points
    checks = [check for check in features.drift.states if check.type == DriftType.FEATURE]
    rows = []
    for index, (feature, check) in enumerate(zip(reference.features, checks, strict=True)):
        window = windows[index]
        counts = features.totals if window is None else window.counts
        history = tuple(point.scores[index] for point in points if index < len(point.scores))
        rows.append(_Row(feature.name, feature.kind, check, _shares(reference, index, counts), history))
    return sorted(
        rows, key=lambda row: (_WORST_FIRST.index(row.check.state), -row.check.scores.get(DriftMethod.PSI, 0))
    )


def _tiles(watch: Watch, rows: Sequence[_Row]) -> str:
    states = [row.check.state for row in rows]
    sampling = watch.sampling
    share = sampling.seen / sampling.offered if sampling.offered else 1.0
    failing = len(watch.features.quality.failing) if watch.features is not None else 0
    tiles = [
        (f"{states.count(DriftState.DRIFTED)}", "features drifted", "drifted"),
        (f"{states.count(DriftState.WARNING)}", "changed a little", "warning"),
        (f"{states.count(DriftState.OK)}", "unchanged", "ok"),
        (f"{failing}", "data-quality checks failing", "fail" if failing else "pass"),
        (f"{sampling.seen:,}", f"rows seen, {min(share, 1.0):.0%} of all", ""),
    ]
    found = "".join(
        f'<div class="tile"><b class="{tone if number != "0" or tone in ("ok", "pass") else ""}">{number}</b>'
        f"<span>{escape(what)}</span></div>"
        for number, what, tone in tiles
    )
    return f'<div class="tiles">{found}</div>'


def _dependence(features: FeatureMonitors) -> str:
    checks = [check for check in features.drift.states if check.type == DriftType.DEPENDENCE]
    return "".join(f"<p>How the features depend on each other: {_state(check.state)}</p>" for check in checks)


def _table(rows: Sequence[_Row], threshold: float) -> str:
    head = (
        "<tr><th>Feature</th><th>State</th><th class=number>PSI</th><th class=number>Jensen-Shannon</th>"
        "<th class=number>Wasserstein</th><th>Distribution</th><th>PSI over time</th></tr>"
    )
    methods = (DriftMethod.PSI, DriftMethod.JENSEN_SHANNON, DriftMethod.WASSERSTEIN)
    body = "".join(
        f'<tr><td>{escape(row.name)} <span class="quiet">{escape(row.kind)}</span></td>'
        f"<td>{_state(row.check.state)}</td>{''.join(_number(row, method) for method in methods)}"
        f"<td>{small_bars(row.shares.reference, row.shares.live)}</td><td>{trend(row.history, threshold)}</td></tr>"
        for row in rows
    )
    note = (
        '<p class="quiet">Effect sizes over the window that has found the state, of several the longest: the '
        f"population stability index less what sampling alone gives (drift from {threshold:g} on, if significant), the "
        "Jensen-Shannon distance, and the Wasserstein distance in units of the reference's spread.</p>"
    )
    return f"<h3>Features</h3>{note}<table>{head}{body}</table>"


def _number(row: _Row, method: str) -> str:
    value = row.check.scores.get(method)
    return f'<td class="number">{"" if value is None or value != value else f"{value:.3f}"}</td>'


def _plots(rows: Sequence[_Row], watch: Watch) -> str:
    shown, times = rows[:_MOST_PLOTS], [point.time for point in watch.history.points]
    threshold = watch.settings.drift_minimum_effect
    parts = []
    for index, row in enumerate(shown):
        is_open = index < _OPEN_PLOTS and row.check.state in (DriftState.DRIFTED, DriftState.WARNING)
        parts.append(
            f"<details{' open' if is_open else ''}><summary>{escape(row.name)}{_state(row.check.state)}</summary>"
            f"{bars(*row.shares)}{_over_time(times, row, threshold)}</details>"
        )
    left = len(rows) - len(shown)
    note = f'<p class="quiet">{left:,} further features have no plot.</p>' if left else ""
    return "<h3>Distributions</h3>" + "".join(parts) + note


def _over_time(times: Sequence[str], row: _Row, threshold: float) -> str:
    drawn = timeline(times, row.history, threshold) if len(times) == len(row.history) else ""
    return f'<p class="quiet">Population stability index over time (UTC)</p>{drawn}' if drawn else ""


def _quality(features: FeatureMonitors) -> str:
    failing: dict[str, list[str]] = {}
    for check, feature in features.quality.failing:
        failing.setdefault(check, []).append(feature or "")
    head = "".join(
        f"<th{'' if column in _TEXTS else ' class=number'}>{column}</th>"
        for column in ("Check", "Now", "Windows passed", "Windows failed", "Violations")
    )
    body = "".join(
        f"<tr><td>{escape(count.check)}</td><td>{_verdict(failing.get(count.check))}</td>"
        f'<td class="number">{count.passed:,}</td><td class="number">{count.failed:,}</td>'
        f'<td class="number">{count.violations:,}</td></tr>'
        for count in features.quality.counts
    )
    return f"<h3>Data quality</h3><table><tr>{head}</tr>{body}</table>"


def _verdict(where: list[str] | None) -> str:
    if where is None:
        return _state(DataQualityCheckResult.PASS)
    return f"{_state(DataQualityCheckResult.FAIL)} {escape(', '.join(name for name in where if name))}"


def _predictions(watch: Watch) -> str:
    outputs = watch.outputs
    parts = [_stream(type_, stream.monitor) for type_, stream in outputs.streams.items() if stream.monitor is not None]
    facts = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in outputs.summary.latest.items()]
    summary = outputs.summary.summary
    bounds = (0.0, *PROBABILITY_BOUNDS)
    bins = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(bounds)]
    parts.append(_counted("Classes", list(summary.classes), list(summary.classes.values())))
    parts.append(_counted("Scores", bins, summary.scores))
    if not any(parts) and not facts:
        return ""
    said = f"<p>{escape(', '.join(facts))}</p>" if facts else ""
    return f"<h3>Predictions</h3>{said}{''.join(parts)}"


def _counted(what: str, labels: Sequence[str], counts: Sequence[int]) -> str:
    total = sum(counts)
    if not total:
        return ""
    plot = bars(labels, None, [count / total for count in counts])
    return f'<p>{what} <span class="quiet">of the last {total:,} predictions</span></p>{plot}'


def _stream(type_: str, monitor: DriftMonitor) -> str:
    reference, windows = monitor.reference, monitor.deciding_windows
    if monitor.warming_up:
        return f"<p>{escape(type_)}: {_state(DriftState.WARMING_UP)}</p>"
    return "".join(
        f'<p>Drift of the {escape(_STREAMS[type_])} <span class="quiet">{escape(feature.name)}, compared with '
        f"{reference.rows:,}</span> {_state(check.state)}</p>{bars(*_shares(reference, index, window.counts))}"
        for index, (feature, check, window) in enumerate(zip(reference.features, monitor.states, windows, strict=False))
        if window is not None
    )


def _state(state: str) -> str:
    return f'<span class="state {escape(state)}">{escape(_WORDS.get(state, state))}</span>'
