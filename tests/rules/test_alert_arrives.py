"""The whole way of an alert: OTLP into a store, Prometheus with the project's rules, Alertmanager, a webhook."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from otelml.cli.children import Server
from otelml.rules.limits import default_limits
from otelml.rules.packs import training
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.backends.running import eventually, free_ports, get_json
from tests.dashboards.store import Store
from tests.rules.programs import ROOT, program

ALERTMANAGER = ROOT / "collector-config" / "alertmanager" / "alertmanager.yml"
Message = tuple[str, dict[str, Any]]


def test_amtool_accepts_the_configuration() -> None:
    """Alertmanager's own check finds nothing."""
    done = subprocess.run(
        [program("amtool"), "check-config", ALERTMANAGER], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_inhibitions_name_alerts_that_exist() -> None:
    """Every alert that the configuration speaks of is in the rules."""
    known = set()
    for path in (ROOT / "collector-config" / "prometheus" / "rules").glob("*.yaml"):
        known |= {rule.get("alert") for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}
    rules = yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]
    matchers = [it for rule in rules for it in (*rule["source_matchers"], *rule["target_matchers"])]
    spoken_of = {name for it in matchers if it.startswith("alertname") for name in it.split('"')[1].split("|")}
    assert spoken_of <= known


@pytest.fixture
def webhook() -> Iterator[tuple[int, list[Message]]]:
    """A port that takes webhooks, and what came."""
    came: list[Message] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, came
    server.shutdown()
    thread.join()
    server.server_close()


def alertmanager_config(folder: Path, port: int) -> Path:
    """The project's configuration, with the test's webhook and without waiting for more of a group."""
    tree = yaml.safe_load(ALERTMANAGER.read_text())
    for receiver in tree["receivers"]:
        receiver["webhook_configs"][0]["url"] = f"http://127.0.0.1:{port}/{receiver['name']}"
    for route in (tree["route"], *tree["route"]["routes"]):
        route["group_wait"] = "1s"
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(tree))
    return path


def prometheus_config(folder: Path, store: str, alertmanager: int) -> Path:
    """Scrapes what the store got by OTLP, evaluates the rules every second."""
    group = dataclasses.replace(training.group(default_limits()["training"]), interval="1s")
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [group.entry("runbooks")]}))
    scrape = {
        "job_name": "store",
        "honor_labels": True,
        "metrics_path": "/federate",
        "params": {"match[]": ['{__name__=~"ml_.*"}']},
        "static_configs": [{"targets": [store.removeprefix("http://")]}],
    }
    tree = {
        "global": {"scrape_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [scrape],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
    }
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.mark.slow
def test_an_alert_arrives_at_a_webhook(tmp_path: Path, webhook: tuple[int, list[Message]]) -> None:
    """A loss that became NaN pages: one message, at the right receiver, that says what to do."""
    prometheus, alertmanager = program("prometheus"), program("prometheus-alertmanager")
    hook, came = webhook
    at_prometheus, at_alertmanager = free_ports(2)
    with (
        Store(tmp_path) as store,
        Server(
            [
                alertmanager,
                f"--config.file={alertmanager_config(tmp_path, hook)}",
                f"--storage.path={tmp_path / 'am'}",
                f"--web.listen-address=127.0.0.1:{at_alertmanager}",
                "--cluster.listen-address=",
            ],
            {},
            tmp_path / "alertmanager.log",
        ),
        Server(
            [
                prometheus,
                f"--config.file={prometheus_config(tmp_path, store.url, at_alertmanager)}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{at_prometheus}",
            ],
            {},
            tmp_path / "prometheus.log",
        ),
    ):
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(store.otlp_metrics), export_interval_millis=500)
        provider = MeterProvider([reader], shutdown_on_exit=False)
        anomalies = metrics.ML_TRAINING_ANOMALIES.create(provider.get_meter("tests"))
        kind = names.TrainingAnomalyType.NAN_LOSS
        anomalies.add(1, {names.ML_MODEL_NAME: "net", names.ML_TRAINING_ANOMALY_TYPE: kind})
        eventually(lambda: list(came), bool, 60)
        provider.shutdown()
        firing = get_json(f"http://127.0.0.1:{at_prometheus}/api/v1/alerts")["data"]["alerts"]
    assert [alert["labels"]["alertname"] for alert in firing] == ["TrainingAnomaly"]
    (path, message), *_ = came
    assert path == "/pages"
    assert message["groupLabels"] == {"alertname": "TrainingAnomaly", "ml_model_name": "net"}
    (alert,) = message["alerts"]
    assert alert["annotations"]["summary"] == f"the training of net shows {kind}"
    assert alert["annotations"]["runbook_url"] == "runbooks/training-anomaly.md"
    assert "dashboard Training" in alert["annotations"]["first_look"]
