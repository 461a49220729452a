"""Every panel's query gives series in a live store, and every choice at the top of a dashboard has values."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from grafana.boards import BOARDS
from grafana.spec import Board

from otelml.rules.convention import declared_metrics
from otelml.rules.naming import metric_name
from otelml.semconv.metrics import Metric
from tests.dashboards.conftest import Filled
from tests.dashboards.drawing import Series, draw, legend_of
from tests.rules.programs import ROOT

pytestmark = pytest.mark.slow

DASHBOARDS = ROOT / "collector-config" / "grafana" / "dashboards"


def with_choices(expression: str) -> str:
    """A query as Grafana sends it when all values are chosen."""
    return re.sub(r"\$(?!__)\w+", ".*", expression).replace("$__rate_interval", "5m")


def shown(board: Board, filled: Filled, start: float, step: str) -> tuple[dict[str, Series], list[tuple[str, str]]]:
    """What each panel of the generated JSON shows from a time on, and the queries that return nothing."""
    tree = json.loads((DASHBOARDS / f"{board.name}.json").read_text())
    empty, data = [], {}
    for panel in (it for it in tree["panels"] if it["type"] != "row"):
        drawn: Series = []
        for target in panel["targets"]:
            found = filled.store.query_range(with_choices(target["expr"]), start, filled.end, step)
            if not found:
                empty.append((panel["title"], target["expr"]))
            for series in found:
                points = [(at, float(value)) for at, value in series["values"]]
                name = legend_of(target["legendFormat"], series["metric"])
                drawn.append((name, [at for at, _ in points], [value for _, value in points]))
        data[panel["title"]] = drawn
    return data, empty


def choices_without_values(board: Board, filled: Filled) -> list[str]:
    """The queries of a dashboard's variables that find nothing."""
    tree = json.loads((DASHBOARDS / f"{board.name}.json").read_text())
    queries = [it["query"] for it in tree["templating"]["list"] if it["type"] == "query"]
    assert len(queries) == len(board.variables)
    empty = []
    for query in queries:
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert match
        if not filled.store.label_values(with_choices(match[1]), match[2], filled.start, filled.end):
            empty.append(query)
    return empty


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_panels_show_series(board: Board, filled: Filled, pictures: Path) -> None:
    """Each query of each panel of the generated JSON returns series; a picture shows them."""
    data, empty = shown(board, filled, filled.start + 1200, "60s")
    draw(board, data, pictures / f"{board.name}.png")
    assert empty == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_choices_have_values(board: Board, filled: Filled) -> None:
    """Each variable's query finds values."""
    assert choices_without_values(board, filled) == []


def test_names_are_those_of_the_store(filled: Filled) -> None:
    """Every metric of the convention is in the store under the name that rules and dashboards use."""
    stored = set(filled.store.label_values('{service_name="made-up"}', "__name__", filled.start, filled.end))
    missing = []
    for name, tree in declared_metrics().items():
        prefix = metric_name(Metric(name, tree["instrument"], tree["unit"], ""))
        # VictoriaMetrics adds this to up-down counters of unit 1, too, which the Collector and Prometheus don't.
        one_more = {f"{prefix}_ratio"} if (tree["instrument"], tree["unit"]) == ("updowncounter", "1") else set()
        if stored.isdisjoint({prefix, f"{prefix}_count", *one_more}):
            missing.append(prefix)
    assert missing == []
