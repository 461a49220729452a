"""The command: `make bench-collector`, or `python -m benchmarks.collector` with collector-config on Python's path.

It needs `make backends`. First load alone, then load with the backend of the spans down for a while. It exits with 1 if
anything that was sent is not stored, or if the Collector went over its memory limit.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine, report
from benchmarks.collector.load import senders
from benchmarks.collector.sink import Sink, Stored
from benchmarks.report import Check, Report, Table
from benchmarks.results import COLLECTOR, write
from otelml.rules.naming import metric_name
from otelml.semconv import metrics
from tests.backends.conftest import STARTS
from tests.backends.gateway import Gateway, start_gateway
from tests.backends.running import eventually, free_ports, get, get_json

_DRAIN_SECONDS = 180.0
_HEAP = re.compile(r"^otelcol_process_runtime_heap_alloc_bytes(?:\{[^}]*\})? (\S+)", re.MULTILINE)
MIB = 1 << 20


@dataclass
class Result:
    """What a run has shown."""

    sent_spans: int = 0
    stored: Stored = field(default_factory=lambda: Stored(0, 0, 0))
    sent_points: int = 0
    stored_points: float = 0
    refused: int = 0
    late: float = 0.0
    peak_heap: float = 0.0
    peak_rss: float = 0.0
    limit_mib: int = 0
    drained_after: float = 0.0

    @property
    def held(self) -> bool:
        """Whether nothing was lost and the memory stayed under its limit."""
        complete = (self.sent_spans, self.sent_points) == (self.stored.spans, self.stored_points)
        return complete and self.peak_heap < self.limit_mib


def run(arguments: argparse.Namespace, outage: float) -> Result:
    """Send for a while, with the backend of the spans down in the middle if `outage` is not 0; query what is stored."""
    result = Result(limit_mib=arguments.memory)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store, ready, environment = STARTS["victoriametrics"](folder)
        stack.enter_context(store)
        store.await_ready(ready)
        sink = stack.enter_context(Sink(free_ports(1)[0]))
        environment |= {
            "BACKEND_OTLP_URL": sink.url,
            "BACKEND_AUTHORIZATION": "none",
            "GATEWAY_MEMORY_MIB": str(arguments.memory),
            "GATEWAY_MEMORY_SPIKE_MIB": str(arguments.memory // 5),
            "QUEUE_BYTES": str(arguments.queue * MIB),
            "SAMPLING_PERCENTAGE": "100",
        }
        gateway = start_gateway(stack, ["victoriametrics", "otlp"], environment, folder)
        spans, points = senders(gateway.grpc, arguments.spans, arguments.streams)
        spans.start()
        points.start()
        _watch(result, gateway, arguments.seconds / 2)
        if outage:
            sink.down()
            _watch(result, gateway, outage)
            sink.up()
        _watch(result, gateway, arguments.seconds / 2)
        spans.stop()
        points.stop()
        result.sent_spans, result.sent_points = spans.sent, points.sent
        result.refused, result.late = spans.refused + points.refused, spans.late
        began = time.monotonic()

        def stored() -> Stored:
            _watch(result, gateway, 0)
            return sink.stored()

        result.stored = eventually(stored, lambda there: there.spans >= spans.sent, _DRAIN_SECONDS)
        result.drained_after = time.monotonic() - began
        result.stored_points = eventually(_points_in(store.url), lambda there: there >= points.sent, _DRAIN_SECONDS)
    return result


def _watch(result: Result, gateway: Gateway, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        if found := _HEAP.search(get(f"{gateway.telemetry}/metrics").decode()):
            result.peak_heap = max(result.peak_heap, float(found[1]) / MIB)
        status = Path(f"/proc/{gateway.process}/status").read_text(encoding="utf-8")
        result.peak_rss = float(status.partition("VmHWM:")[2].split()[0]) / 1024
        if time.monotonic() > until:
            return
        time.sleep(0.5)


def _points_in(url: str) -> Callable[[], float]:
    query = f"sum(count_over_time({metric_name(metrics.ML_INFERENCE_CALLS)}[1h]))"

    def count() -> float:
        get(f"{url}/internal/force_flush")
        result = get_json(f"{url}/api/v1/query", query=query)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0

    return count


def _show(title: str, result: Result) -> None:
    spans, again = result.stored.spans, result.stored.again
    late = max(result.late, 0)
    print(f"\n{title}")
    print(f"  spans          {result.sent_spans:,} sent, {spans:,} stored, {again:,} twice")
    print(f"  metric points  {result.sent_points:,} sent, {result.stored_points:,.0f} stored")
    print(f"  senders        {result.refused} requests refused and sent again, {late:.1f} s late at the end")
    print(f"  heap           {result.peak_heap:.0f} MiB at most, limit {result.limit_mib}")
    print(f"  resident       {result.peak_rss:.0f} MiB at most")
    print(f"  drained        {result.drained_after:.1f} s after the last request")


def found(load: str, results: Sequence[Result]) -> Report:
    """The report on the runs: load alone, and with an outage if there was one.

    Args:
        load: what was sent.
        results: of the runs.
    """
    titles = (load, "the same, the spans' backend down meanwhile")
    rows = [
        [
            title,
            f"{each.sent_spans:,} and {each.sent_points:,}",
            f"{each.stored.spans:,} and {each.stored_points:,.0f}",
            f"{each.stored.again}",
            f"{each.peak_heap:.0f} and {each.peak_rss:.0f}",
            f"{each.limit_mib}",
        ]
        for title, each in zip(titles, results, strict=False)
    ]
    header = ["Load", "sent: spans and points", "stored", "spans twice", "heap and resident, MiB at most", "limit, MiB"]
    checks = [
        Check(f"{title}: lost", "nothing" if each.held else "some, or over the limit", "nothing", each.held)
        for title, each in zip(titles, results, strict=False)
    ]
    return Report(
        title="The Collector",
        about="gateway.yaml in the OpenTelemetry Collector (core, without tail sampling, its queues in memory), with "
        "the senders and the backends on the same two cores. Stored is what the backends tell when asked.",
        tables=[Table("", header, rows)],
        checks=checks,
        command="make bench-collector",
    )


def main() -> int:
    """Run both; 0 if nothing was lost and the memory limit held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to send, beside the outage")
    parser.add_argument("--outage", type=float, default=60, help="how long the backend is down; 0 leaves that run out")
    parser.add_argument("--spans", type=float, default=10_000, help="spans a second")
    parser.add_argument("--streams", type=int, default=1_000, help="metric streams, each once a second")
    parser.add_argument("--memory", type=int, default=512, help="the memory limiter's limit in MiB (load alone)")
    parser.add_argument("--outage-memory", type=int, default=2048, help="the same for the run with the outage")
    parser.add_argument("--queue", type=int, default=1024, help="the size of each sending queue in MiB of OTLP")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    machine_now = machine.describe()
    print("\n".join(f"{key}: {value}" for key, value in machine_now.items()))
    results = [run(arguments, 0)]
    load = f"{arguments.spans:,.0f} spans/s and {arguments.streams:,} metric streams for {arguments.seconds:.0f} s"
    _show(load, results[0])
    if arguments.outage:
        arguments.memory = arguments.outage_memory
        results.append(run(arguments, arguments.outage))
        _show(f"the same with the backend of the spans down for {arguments.outage:.0f} s", results[1])
    if arguments.write:
        told = found(load, results)
        told.run = machine_now
        report.save(COLLECTOR, told)
        write()
    return 0 if all(result.held for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
