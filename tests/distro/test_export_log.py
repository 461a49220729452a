"""The log about failed exports, as the real exporters cause it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otelml import _guard
from otelml.distro.export_log import LOGGERS, ExportLog
from tests.distro.far_end import far_end, nobody

# The exporters wait some 0.8 to 1.2 seconds before the first retry, and twice as long before the second.
ONCE, TWICE = 0.5, 1.4


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """Now, in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the filter under test."""
    return Clock()


@pytest.fixture
def log(clock: Clock) -> Iterator[ExportLog]:
    """The filter under test, installed."""
    for name in LOGGERS:
        for known in logging.getLogger(name).filters:
            known.last_log = None  # type: ignore[union-attr]  # the SDK holds back a line like the last one for 20 s
    installed = ExportLog(clock)
    installed.install()
    yield installed
    installed.uninstall()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What has been logged by the exporters since it was last asked."""

    def read() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.name in LOGGERS]
        caplog.clear()
        return found

    return read


Lines = Callable[[], list[str]]


def export_spans(url: str, timeout: float = ONCE) -> None:
    """Export a batch of spans over HTTP."""
    OTLPSpanExporter(f"{url}/v1/traces", timeout=timeout).export([])


def export_all(url: str) -> None:
    """Export a batch of each signal over HTTP."""
    export_spans(url)
    OTLPMetricExporter(f"{url}/v1/metrics", timeout=ONCE).export(MetricsData([]))
    OTLPLogExporter(f"{url}/v1/logs", timeout=ONCE).export([])


def test_without_the_filter_every_failure_is_logged_twice(lines: Lines) -> None:
    """The exporters still log what the filter is there for."""
    export_all(f"http://{nobody()}")
    assert len(lines()) >= 3


@pytest.mark.usefixtures("log")
def test_unreachable_endpoint_is_one_line(lines: Lines) -> None:
    """Three signals that cannot be exported, again and again, are one line that says why and what to do."""
    address = nobody()
    export_spans(f"http://{address}", TWICE)
    for _ in range(3):
        export_all(f"http://{address}")
    (line,) = lines()
    assert line.startswith("The export of traces failed: ")
    assert "Connection refused" in line
    for word in (address.partition(":")[2], "collector", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_EXPORTER=none"):
        assert word in line


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, ["401 Unauthorized", "OTEL_EXPORTER_OTLP_HEADERS"]),
        (403, ["403 Forbidden", "OTEL_EXPORTER_OTLP_HEADERS"]),
        (404, ["404 Not Found", "base address", "/v1/traces is added"]),
        (400, ["400 Bad Request", "OTEL_EXPORTER_OTLP_PROTOCOL"]),
        (500, ["500 Internal Server Error"]),
    ],
)
def test_refusals_say_what_to_do(lines: Lines, status: int, words: list[str]) -> None:
    """Each kind of refusal has its line, with the status and a hint that fits."""
    with far_end(status) as end:
        export_spans(end.url)
        export_spans(end.url)
    (line,) = lines()
    assert all(word in line for word in words), line


@pytest.mark.usefixtures("log")
def test_overload_is_said(lines: Lines) -> None:
    """An endpoint that asks to be left alone for now is told from one that is not there."""
    with far_end(503) as end:
        export_spans(end.url, TWICE)
    (line,) = lines()
    assert "Service Unavailable" in line


@pytest.mark.usefixtures("log")
def test_each_kind_of_failure_has_its_line(lines: Lines) -> None:
    """A failure of another kind is news, and the first kind still is not."""
    with far_end(401) as end:
        export_all(end.url)
        end.status = 400
        export_all(end.url)
        end.status = 401
        export_all(end.url)
    assert [line.split("failed: ")[1][:3] for line in lines()] == ["401", "400"]


@pytest.mark.usefixtures("log")
def test_an_address_that_is_none(lines: Lines) -> None:
    """An endpoint that is no address at all is said to be the reason."""
    export_spans("localhost")
    (line,) = lines()
    assert "Is OTEL_EXPORTER_OTLP_ENDPOINT (now not set, so localhost) an address" in line


@pytest.mark.usefixtures("log")
def test_unreachable_endpoint_over_grpc(lines: Lines) -> None:
    """Over gRPC, too, there is one line that says why and what to do."""
    address = nobody()
    exporter = GrpcSpanExporter(address, insecure=True, timeout=ONCE)
    exporter.export([])
    exporter.export([])
    exporter.shutdown()
    (line,) = lines()
    assert address in line
    assert "collector" in line


@pytest.mark.usefixtures("log")
def test_refusal_over_grpc(lines: Lines) -> None:
    """A gRPC server that takes no spans is told from one that is not there."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    exporter = GrpcSpanExporter(f"127.0.0.1:{port}", insecure=True, timeout=5)
    exporter.export([])
    exporter.shutdown()
    server.stop(None).wait()
    (line,) = lines()
    assert "UNIMPLEMENTED" in line
    assert "does not take traces there" in line


def test_repeats_are_news_after_an_hour(log: ExportLog, clock: Clock, lines: Lines) -> None:
    """A failure that goes on and on is logged once an hour."""
    with far_end(401) as end:
        for _ in range(45):
            export_spans(end.url)
            clock.now += 100
    assert len(lines()) == 2


def test_repeats_are_news_after_a_pause(log: ExportLog, clock: Clock, lines: Lines) -> None:
    """When nothing has failed for some minutes, export has worked or there was nothing: the next failure is logged."""
    with far_end(401) as end:
        export_spans(end.url)
        clock.now += 301
        export_spans(end.url)
    assert len(lines()) == 2


def test_repeats_are_news_when_export_has_worked(log: ExportLog, lines: Lines) -> None:
    """A failure is news when all signals that had it have been exported since, and not before."""
    with far_end(401) as end:
        export_all(end.url)
        assert len(lines()) == 1
        log.worked("traces")
        log.worked("logs")
        export_spans(end.url)
        assert not lines()
        for signal in ("traces", "metrics", "logs"):
            log.worked(signal)
        export_spans(end.url)
        assert len(lines()) == 1


@pytest.mark.usefixtures("log")
def test_full_queue_is_one_line_with_a_hint(lines: Lines) -> None:
    """More spans than can be sent are one line that names the variable."""
    with far_end(200) as end:
        lose_spans(end.url)
    (line,) = lines()
    assert line.startswith("Queue full, dropping Span. OTEL_BSP_MAX_QUEUE_SIZE")


@pytest.mark.usefixtures("log")
def test_full_queue_is_not_said_while_export_fails(lines: Lines) -> None:
    """That spans are dropped follows from the failure that has been logged."""
    export_spans(f"http://{nobody()}")
    assert len(lines()) == 1
    lose_spans(f"http://{nobody()}")
    assert not lines()


def lose_spans(url: str) -> None:
    """End more spans at once than the queue takes."""
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=ONCE)
    provider.add_span_processor(BatchSpanProcessor(exporter, 2, 3_600_000, 2))
    tracer = provider.get_tracer("tests")
    for _ in range(200):
        tracer.start_span("span").end()
    provider.shutdown()


@pytest.mark.usefixtures("log")
def test_other_lines_pass(lines: Lines) -> None:
    """What else the exporters say is not touched."""
    exporter = OTLPSpanExporter(f"http://{nobody()}/v1/traces")
    exporter.shutdown()
    for _ in range(2):
        exporter.export([])
    assert lines() == ["Exporter already shutdown, ignoring batch"] * 2


@pytest.mark.usefixtures("log")
def test_at_debug_everything_passes(caplog: pytest.LogCaptureFixture, lines: Lines) -> None:
    """Who looks for the fault sees all that the exporters log."""
    caplog.set_level(logging.DEBUG, "opentelemetry.exporter")
    for _ in range(2):
        export_spans(f"http://{nobody()}")
    assert [line for line in lines() if line.startswith("Failed to export")] == [
        "Failed to export spans batch due to timeout, max retries or shutdown."
    ] * 2


def test_uninstall_leaves_the_loggers_as_they_were() -> None:
    """The filter is on each logger once, and on none after it is taken off; filters of others stay."""
    before = {name: list(logging.getLogger(name).filters) for name in LOGGERS}
    log = ExportLog()
    log.install()
    log.install()
    assert all(logging.getLogger(name).filters == [*before[name], log] for name in LOGGERS)
    log.uninstall()
    log.uninstall()
    assert {name: list(logging.getLogger(name).filters) for name in LOGGERS} == before


def test_a_fault_of_the_filter_lets_the_line_pass(
    log: ExportLog, clock: Clock, monkeypatch: pytest.MonkeyPatch, contained_faults: None, lines: Lines
) -> None:
    """When the filter itself fails, the exporter and its line are not affected."""

    def broken(_clock: Clock) -> float:
        raise OSError("no clock")

    monkeypatch.setattr(Clock, "__call__", broken)
    monkeypatch.setattr(_guard, "_counts", {})
    with far_end(401) as end:
        export_spans(end.url)
    assert lines() == ["Failed to export spans batch code: 401, reason: Unauthorized"]
