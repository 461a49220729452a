"""What the examples emit is on the dashboards: every query of every panel, but for those that need a GPU."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana.boards import BOARDS, gpu, llm, telemetry, training
from grafana.spec import Board

from otelml.rules import read_objectives, rule_files
from otelml.rules.limits import default_limits
from otelml.rules.naming import label_name, metric_name
from otelml.rules.packs import drift
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.backends.prepare import Unavailable
from tests.backends.running import eventually
from tests.dashboards import demos
from tests.dashboards.conftest import WEEK, Filled
from tests.dashboards.drawing import draw
from tests.dashboards.store import Store
from tests.dashboards.test_panels import choices_without_values, shown
from tests.rules.programs import ROOT

pytestmark = pytest.mark.slow

for _module in ("openai", "anthropic", "genai_prices", "torch", "lightning"):
    pytest.importorskip(_module)

DEARER = "monthly_charges"
CHANGED = {DEARER, "contract"}
LIMIT = default_limits()["drift"]["stabilityIndex"]
NOT_HERE = {
    # What only a GPU or a launcher of several machines emits.
    gpu.BOARD: {panel.title for panel in gpu.BOARD.panels} - {"Training samples a second"},
    training.BOARD: {"Share of the peak rate (MFU)"}
    | {"Workers of a node by state", "Calls of the launcher by outcome", "Time in the launcher"},
    # No example has an MCP server, or counts tokens by itself.
    llm.BOARD: {"Duration of MCP requests", "Tokens counted here"},
    # Nothing went wrong.
    telemetry.BOARD: {"Contained faults", "Lost or refused"},
}
"""Panels of which some query stays empty; made-up data shows them in the other tests."""
STEP = 5


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """The examples' telemetry, a copy of it a week ago, and what the project's rules make of both."""
    folder = tmp_path_factory.mktemp("demos")
    start = int(time.time())
    with Store(folder) as store:
        try:
            with demos.collector(folder, store) as endpoint, demos.churn(folder, endpoint):
                demos.train(folder, endpoint)
                demos.chat(endpoint)
        except Unavailable as reason:
            pytest.skip(str(reason))
        eventually(
            lambda: store.query(f"{metric_name(metrics.GEN_AI_INVOKE_WORKFLOW_DURATION)}_count", _now(store)), bool
        )
        steps = math.ceil((time.time() - start) / STEP)
        end = start + STEP * (steps + 1)  # a panel's last point is after what came last, and when rules are evaluated
        time.sleep(end - time.time())
        store.repeat('{__name__=~"ml_prediction_scores.*"}', start, end, -WEEK)
        groups = [
            group
            for file in rule_files(read_objectives(ROOT / "collector-config" / "prometheus" / "slo.yaml"))
            for group in file.groups
        ]
        store.evaluate([group for group in groups if group.name == "serving"], end - 60 - WEEK, end - WEEK)
        store.evaluate(groups, end - 60, end)
        yield Filled(store, start, end)


def _now(store: Store) -> float:
    store.flush()
    return time.time()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_dashboards_show_the_examples(board: Board, emitted: Filled, pictures: Path) -> None:
    """Each query returns series, computed from what programs really emit; a picture shows them."""
    data, empty = shown(board, emitted, emitted.start, f"{STEP}s")
    draw(board, data, pictures / f"examples-{board.name}.png")
    missing = NOT_HERE.get(board, set())
    assert [(title, query) for title, query in empty if title not in missing] == []
    assert {title for title, _ in empty} == missing


@pytest.mark.parametrize("board", [board for board in BOARDS if board is not gpu.BOARD], ids=lambda board: board.name)
def test_choices_have_values_of_the_examples(board: Board, emitted: Filled) -> None:
    """Each variable at the top has values to choose from; the version is left out, which the examples' models lack."""
    version = label_name(names.ML_MODEL_VERSION)
    assert [query for query in choices_without_values(board, emitted) if f", {version})" not in query] == []


def test_drift_is_that_of_the_changed_customers(emitted: Filled) -> None:
    """The process reports the features that have changed; over the fleet, the dearer price stands out by the rules."""
    name = label_name(names.ML_FEATURE_NAME)
    state = f'{label_name(names.ML_DRIFT_STATE)}="{names.DriftState.DRIFTED}"'
    reported = emitted.store.query(f"{metric_name(metrics.ML_DRIFT_STATUS)}{{{state}}} == 1", emitted.end)
    assert {it["metric"][name] for it in reported} == CHANGED
    index = {it["metric"][name]: float(it["value"][1]) for it in emitted.store.query(drift.index("1h"), emitted.end)}
    assert max(index, key=index.__getitem__) == DEARER
    assert {feature for feature, value in index.items() if value > LIMIT} == {DEARER}


def test_alerts_fire_on_the_examples(emitted: Filled) -> None:
    """The failing calls burn the error budget, and the loss that became NaN is an anomaly, by the shipped rules."""
    firing = emitted.store.query('count by (alertname) (ALERTS{alertstate="firing"})', emitted.end)
    assert {"SloBudgetBurn", "TrainingAnomaly"} <= {it["metric"]["alertname"] for it in firing}
