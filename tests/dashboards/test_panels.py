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


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_panels_show_series(board: Board, filled: Filled, pictures: Path) -> None:
    """Each query of each panel of the generated JSON returns series; a picture shows them."""
    tree = json.loads((DASHBOARDS / f"{board.name}.json").read_text())
    empty, data = [], {}
    for panel in (it for it in tree["panels"] if it["type"] != "row"):
        drawn: Series = []
        for target in panel["targets"]:
            found = filled.store.query_range(with_choices(target["expr"]), filled.start + 1200, filled.end)
            if not found:
                empty.append((panel["title"], target["expr"]))
            for series in found:
                points = [(at, float(value)) for at, value in series["values"]]
                name = legend_of(target["legendFormat"], series["metric"])
                drawn.append((name, [at for at, _ in points], [value for _, value in points]))
        data[panel["title"]] = drawn
    draw(board, data, pictures / f"{board.name}.png")
    assert empty == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_choices_have_values(board: Board, filled: Filled) -> None:
    """Each variable's query finds values."""
    tree = json.loads((DASHBOARDS / f"{board.name}.json").read_text())
    queries = [it["query"] for it in tree["templating"]["list"] if it["type"] == "query"]
    assert len(queries) == len(board.variables)
    for query in queries:
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert match
        assert filled.store.label_values(with_choices(match[1]), match[2], filled.start, filled.end), query


def test_names_are_those_of_the_store(filled: Filled) -> None:
    """Every metric of the convention is in the store under the name that rules and dashboards use."""
    stored = set(filled.store.label_values('{service_name="made-up"}', "__name__", filled.start, filled.end))
    missing = []
    for name, tree in declared_metrics().items():
        prefix = metric_name(Metric(name, tree["instrument"], tree["unit"], ""))
        if f"{prefix}_count" not in stored and prefix not in stored:
            missing.append(prefix)
    assert missing == []
