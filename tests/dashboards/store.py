"""A live VictoriaMetrics: takes OTLP, evaluates rules over time, answers the panels' queries."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from otelml.cli.children import Server
from otelml.rules.rule import Alert, Group
from tests.backends.running import free_ports
from tests.rules.programs import program

_READY_SECONDS = 30
Result = list[dict[str, Any]]
Made = tuple[dict[str, str], Sequence[float], Sequence[float]]
"""Labels with the name, times in seconds, values."""


class Store:
    """The store, on a port of its own; stops with the `with` block."""

    def __init__(self, folder: Path) -> None:
        command = program("victoria-metrics")
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._server = Server(
            [
                command,
                f"-storageDataPath={folder / 'data'}",
                f"-httpListenAddr=127.0.0.1:{port}",
                "-opentelemetry.usePrometheusNaming=true",
                "-search.latencyOffset=0s",
                "-retentionPeriod=100y",
            ],
            {},
            folder / "store.log",
        )
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                self._get("/health")
                return
            except OSError:
                assert time.monotonic() < deadline, (folder / "store.log").read_text()
                time.sleep(0.1)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def otlp_metrics(self) -> str:
        """Where it takes OTLP metrics."""
        return f"{self.url}/opentelemetry/v1/metrics"

    def write(self, request: ExportMetricsServiceRequest) -> None:
        """Store what an OTLP request has."""
        self._post("/opentelemetry/v1/metrics", request.SerializeToString(), "application/x-protobuf")

    def flush(self) -> None:
        """Make everything that was written visible."""
        self._get("/internal/force_flush")

    def evaluate(self, groups: Iterable[Group], start: float, end: float) -> None:
        """Evaluate rules, one after the other, for each minute of a time, and store what they record and alert on."""
        for group in groups:
            for rule in group.rules:
                found = self.query_range(rule.expression, start, end)
                if isinstance(rule, Alert):
                    own = {
                        "__name__": "ALERTS",
                        "alertname": rule.name,
                        "alertstate": "firing",
                        "severity": rule.severity,
                    }
                else:
                    own = {"__name__": rule.name}
                series = [
                    (
                        {**one["metric"], **rule.labels, **own},
                        [at for at, _ in one["values"]],
                        [1.0 if isinstance(rule, Alert) else float(value) for _, value in one["values"]],
                    )
                    for one in found
                ]
                if series:
                    self.write_series(series)
                    self.flush()

    def write_series(self, series: Iterable[Made]) -> None:
        """Store ready series."""
        lines = [
            json.dumps({"metric": labels, "values": values, "timestamps": [int(at * 1000) for at in times]})
            for labels, times, values in series
        ]
        self._post("/api/v1/import", "\n".join(lines).encode(), "application/json")

    def repeat(self, selector: str, start: float, end: float, later: float) -> None:
        """Store series once more, so many seconds later; before, if it is negative."""
        parameters = {"match[]": selector, "start": str(start), "end": str(end)}
        series = map(json.loads, self._get("/api/v1/export", parameters).splitlines())
        self.write_series((it["metric"], [at / 1000 + later for at in it["timestamps"]], it["values"]) for it in series)
        self.flush()

    def query_range(self, expression: str, start: float, end: float, step: str = "60s") -> Result:
        """The series that a query gives over a time."""
        parameters = {"query": expression, "start": str(start), "end": str(end), "step": step, "nocache": "1"}
        return self._result("/api/v1/query_range", parameters)

    def query(self, expression: str, at: float) -> Result:
        """The series that a query gives at a time."""
        return self._result("/api/v1/query", {"query": expression, "time": str(at), "nocache": "1"})

    def label_values(self, selector: str, label: str, start: float, end: float) -> list[str]:
        """The values of a label."""
        parameters = {"match[]": selector, "start": str(start), "end": str(end)}
        found: list[str] = json.loads(self._get(f"/api/v1/label/{label}/values", parameters))["data"]
        return found

    def _result(self, path: str, parameters: dict[str, str]) -> Result:
        answer = json.loads(self._post(path, urllib.parse.urlencode(parameters).encode()))
        assert answer["status"] == "success", answer
        result: Result = answer["data"]["result"]
        return result

    def _get(self, path: str, parameters: dict[str, str] | None = None) -> bytes:
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        with urllib.request.urlopen(f"{self.url}{path}{query}", timeout=30) as answer:
            body: bytes = answer.read()
            return body

    def _post(self, path: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> bytes:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
            return content
