"""What the demo's programs and the Collector between emit is on the dashboards."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml
from grafana.boards import overview, serving, telemetry, training
from grafana.spec import Board

from otelml.cli.children import Server
from otelml.cli.demo_example import ChurnExample
from otelml.rules.limits import default_limits
from otelml.rules.naming import label_name
from otelml.rules.packs import drift
from otelml.semconv import attributes as names
from otelml.viewer.receiver import OtlpReceiver
from tests.backends.prepare import PROGRAMS, Unavailable
from tests.backends.running import eventually, free_ports
from tests.dashboards.store import Store
from tests.dashboards.test_panels import DASHBOARDS, with_choices
from tests.rules.programs import ROOT

pytestmark = pytest.mark.slow

FEATURES = 19
SAME_CUSTOMERS = 0.5
"""The index without drift is about 20 bins / 120 rows, and customers held out are like those trained on."""
SHOWN = {
    overview.BOARD: {"Calls", "Failing calls", "Duration, 95th percentile", "Training runs"},
    serving.BOARD: {panel.title for panel in serving.BOARD.panels} - {"Scores against a week ago"},
    training.BOARD: {"Runs and fits", "Time in pipeline steps and candidates"},
    telemetry.BOARD: {panel.title for panel in telemetry.BOARD.panels},
}
"""The panels that show the demo as it is today; made-up data tests those of the parts that it does not have."""


def panels_with_series(store: Store, board: Board, start: float) -> set[str]:
    """The titles of the panels of which some query returns series."""
    store.flush()
    tree = json.loads((DASHBOARDS / f"{board.name}.json").read_text())
    return {
        panel["title"]
        for panel in tree["panels"]
        for target in panel.get("targets", ())
        if store.query_range(with_choices(target["expr"]), start, time.time() + 1, "2s")
    }


def collector_config(folder: Path, port: int, store: Store) -> Path:
    """Metrics into the store, the Collector's own among them; traces and logs nowhere."""
    own = {"otlp": {"protocol": "http/protobuf", "endpoint": store.otlp_metrics}}
    nowhere = {"receivers": ["otlp"], "exporters": ["nop"]}
    tree = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"nop": {}, "otlp_http": {"metrics_endpoint": store.otlp_metrics}},
        "service": {
            "telemetry": {"metrics": {"readers": [{"periodic": {"interval": 500, "exporter": own}}]}},
            "pipelines": {
                "metrics": {"receivers": ["otlp"], "exporters": ["otlp_http"]},
                "traces": nowhere,
                "logs": nowhere,
            },
        },
    }
    path = folder / "collector.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def test_dashboards_show_the_demo(tmp_path: Path) -> None:
    """Training, serving and calling the churn model fills its panels, and the fleet's drift is computed from it."""
    try:
        collector = str(PROGRAMS["otelcol"].find())
    except Unavailable as reason:
        pytest.skip(str(reason))
    start = time.time()
    (port,) = free_ports(1)
    with Store(tmp_path) as store:
        config = collector_config(tmp_path, port, store)
        receiver = cast(OtlpReceiver, SimpleNamespace(http_endpoint=f"http://127.0.0.1:{port}", grpc_endpoint=""))
        example = ChurnExample(ROOT / "examples" / "churn_flask", tmp_path, receiver)
        with Server([collector, "--config", str(config)], {}, tmp_path / "collector.log"):
            example.train()
            with example.serve():
                example.send(120)
                for board, shown in SHOWN.items():
                    assert eventually(partial(_after_traffic, example, store, board, start), shown.issubset) >= shown
                fleet = drift.group(default_limits()["drift"])
                store.evaluate([fleet], time.time() - 1, time.time())
                found = store.query(drift.index("1h"), time.time())
    values = {series["metric"][label_name(names.ML_FEATURE_NAME)]: float(series["value"][1]) for series in found}
    assert len(values) == FEATURES
    assert max(values.values()) < SAME_CUSTOMERS


def _after_traffic(example: ChurnExample, store: Store, board: Board, start: float) -> set[str]:
    example.send(20)
    return panels_with_series(store, board, start)
