"""Writes a board as Grafana reads it, with Grafana's own SDK."""

from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.builders import bargauge, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, StackingConfig, VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode, VizOrientation
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh, VariableSort

from grafana.spec import Board, Panel, Variable

_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHT = 8
_FILL = 10


def dashboard_json(board: Board) -> str:
    """Return the dashboard as JSON, the same text for the same board."""
    builder = (
        Dashboard(board.title)
        .uid(board.name)
        .description(board.meaning)
        .tags(["otelml", "opentelemetry", "machine-learning"])
        .refresh("1m")
        .time("now-3h", "now")
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in board.variables:
        builder = builder.with_variable(_variable(variable))
    for title, panels in board.rows:
        builder = builder.with_row(Row(title))
        for panel in panels:
            builder = builder.with_panel(_panel(panel))
    return json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(builder.build())), indent=2, sort_keys=True) + "\n"


def _variable(variable: Variable) -> QueryVariable:
    return (
        QueryVariable(variable.name)
        .label(variable.title)
        .datasource(_SOURCE)
        .query(variable.query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current({"selected": True, "text": ["All"], "value": ["$__all"]})  # type: ignore[arg-type]
    )


def _panel(panel: Panel) -> Any:
    instant = panel.kind == "bars"
    builder = _kind(panel).title(panel.title).description(panel.meaning).datasource(_SOURCE).unit(panel.unit)
    for number, query in enumerate(panel.queries):
        target = Dataquery().expr(query.expression).legend_format(query.legend).ref_id(chr(ord("A") + number))
        builder = builder.with_target(target.instant() if instant else target.range())
    return builder.height(_HEIGHT).span(panel.width)


def _kind(panel: Panel) -> Any:
    if panel.kind == "bars":
        latest = ReduceDataOptions().calcs(["lastNotNull"])
        return bargauge.Panel().orientation(VizOrientation.HORIZONTAL).reduce_options(latest)
    below = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    builder = timeseries.Panel().legend(below)
    if panel.kind == "stacked":
        return builder.fill_opacity(_FILL * 3).stacking(StackingConfig().mode(StackingMode.NORMAL))
    return builder.fill_opacity(_FILL)
