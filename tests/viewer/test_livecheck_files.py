from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelml.viewer.livecheck.files import NotOtlp, read_otlp
from otelml.viewer.otlp import Signal
from tests.support.samples import count_call, emit_event, emit_span
from tests.support.telemetry import Telemetry


@pytest.fixture
def sent() -> list[dict[str, object]]:
    """An export request of each signal as JSON objects; ids are left out, whose form in OTLP is its own."""
    telemetry = Telemetry()
    emit_span(telemetry)
    count_call(telemetry)
    emit_event(telemetry)
    requests = telemetry.requests()
    telemetry.close()
    return [json.loads(json.dumps(_without_ids(MessageToDict(it)))) for it in requests]


def _without_ids(tree: object) -> object:
    if isinstance(tree, dict):
        return {key: _without_ids(value) for key, value in tree.items() if key not in ("traceId", "spanId")}
    return [_without_ids(it) for it in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize(
    ("indent", "between"), [(None, "\n"), (2, "\n\n"), (None, " ")], ids=["lines", "indented", "one line"]
)
def test_json_objects_are_read(tmp_path: Path, sent: list[dict[str, object]], indent: int | None, between: str) -> None:
    """The Collector's lines are read, as are objects that someone has formatted."""
    path = tmp_path / "otlp.json"
    path.write_text(between.join(json.dumps(it, indent=indent) for it in sent))
    assert [_without_ids(MessageToDict(it)) for it in read_otlp(path)] == sent


def test_ids_are_hexadecimal(tmp_path: Path) -> None:
    """Ids are read as OTLP's JSON has them, which is not protobuf's way."""
    path = tmp_path / "otlp.json"
    span = {"name": "fit", "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "kind": 1}
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    (request,) = read_otlp(path)
    assert isinstance(request, ExportTraceServiceRequest)
    assert request.resource_spans[0].scope_spans[0].spans[0].span_id.hex() == span["spanId"]


def test_protobuf_is_read_by_its_signal(tmp_path: Path) -> None:
    """A protobuf file is one export request of the signal that the caller names."""
    telemetry = Telemetry()
    emit_span(telemetry)
    request = telemetry.requests()[0]
    telemetry.close()
    path = tmp_path / "spans.bin"
    path.write_bytes(request.SerializeToString())
    assert list(read_otlp(path, Signal.TRACES)) == [request]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b'{"resourceSpans": []}\nnothing', ":2: Expecting value"),
        (b'{"resourceSpans": []}\n{"spans": []}', ":2: no resourceSpans, resourceMetrics, resourceLogs"),
        (b"[]", ":1: no resourceSpans"),
        (b'{"resourceSpans": 7}', ":1: not an ExportTraceServiceRequest"),
        (b"\xff\xfe\x00", "not text"),
    ],
)
def test_what_is_not_otlp_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is not OTLP is refused with its name, the line and the reason."""
    path = tmp_path / "otlp.json"
    path.write_bytes(content)
    with pytest.raises(NotOtlp, match=message) as refusal:
        list(read_otlp(path))
    assert str(path) in str(refusal.value)


def test_protobuf_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Bytes that are no export request are refused."""
    path = tmp_path / "spans.bin"
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(NotOtlp, match="not an ExportTraceServiceRequest"):
        list(read_otlp(path, Signal.TRACES))
