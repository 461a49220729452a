"""The OTLP/HTTP half of the receiver, against real exporters and hand-written requests."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import tracemalloc
import zlib
from contextlib import closing

import pytest
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import TooLarge, decompress
from otelml.viewer.receiver import OtlpReceiver
from tests.viewer.churn_app import ChurnApp
from tests.viewer.requests_by_hand import JSON, MAX_BYTES, PROTOBUF, Answer, Received, names_of, one_span, post


def test_all_signals_of_the_sdk_arrive(receiver: OtlpReceiver, received: Received) -> None:
    """Traces, metrics and logs that the SDK exports are handed on before its shutdown returns."""
    app = ChurnApp(receiver.http_endpoint)
    app.serve([0.01], [0.7], failures=1)
    app.close()
    assert {signal for signal, _ in received} == set(Signal)
    assert {type(request) for _, request in received} == {signal.request for signal in Signal}


@pytest.mark.parametrize("compression", list(Compression))
def test_compressed_exports_arrive(receiver: OtlpReceiver, received: Received, compression: Compression) -> None:
    """The exporter's every compression is understood."""
    provider = TracerProvider()
    exporter = OTLPSpanExporter(f"{receiver.http_endpoint}/v1/traces", compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("predict churn").end()
    provider.shutdown()
    assert names_of(received) == ["predict churn"]


def test_json_has_hexadecimal_ids_and_gets_json_back(receiver: OtlpReceiver, received: Received) -> None:
    """OTLP/JSON, ids in hexadecimal and an unknown field included, is decoded as the same in protobuf is."""
    span = {"name": "predict churn", "traceId": bytes(range(16)).hex(), "spanId": bytes(range(8)).hex(), "new": 1}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = post(receiver, json.dumps(body), JSON)
    assert (answer.status, json.loads(answer.body)) == (200, {})
    assert answer.headers["Content-Type"] == "application/json"
    assert [request.SerializeToString() for _, request in received] == [one_span()]


def test_protobuf_gets_protobuf_back(receiver: OtlpReceiver) -> None:
    """The answer to protobuf is an empty response message: everything was accepted."""
    answer = post(receiver, one_span(), PROTOBUF)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == "application/x-protobuf"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xff\xff", PROTOBUF),
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"resourceSpans": 3}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 5}]}]}]}', JSON),
        (b"[" * 5000, JSON),
        (b"\xfe", JSON),
        (b"plain", {**PROTOBUF, "Content-Encoding": "gzip"}),
        (gzip.compress(one_span(), mtime=0)[:-9], {**PROTOBUF, "Content-Encoding": "gzip"}),
    ],
)
def test_malformed_bodies_are_refused(
    receiver: OtlpReceiver, received: Received, body: bytes, headers: dict[str, str]
) -> None:
    """A body that is not what its headers say gets a 400 with a google.rpc.Status, and nothing is handed on."""
    answer = post(receiver, body, headers)
    assert answer.status == 400
    text = json.loads(answer.body)["message"] if headers is JSON else Status.FromString(answer.body).message
    assert "not " in text
    assert received == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (bytes(MAX_BYTES + 1), PROTOBUF),
        (bytes(30_000_000), PROTOBUF),
        (iter([bytes(MAX_BYTES), b"1"]), PROTOBUF),
        (gzip.compress(bytes(50_000_000), mtime=0), {**PROTOBUF, "Content-Encoding": "gzip"}),
        (zlib.compress(bytes(MAX_BYTES + 1)), {**PROTOBUF, "Content-Encoding": "deflate"}),
    ],
)
def test_too_large_bodies_are_refused(
    receiver: OtlpReceiver, received: Received, body: object, headers: dict[str, str]
) -> None:
    """A body over the limit, as it is or decompressed, gets a 413 that its sender can read."""
    assert post(receiver, body, headers).status == 413
    assert received == []


def test_a_small_body_can_not_fill_the_memory() -> None:
    """Decompression stops at the limit, whatever the body would become."""
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decompress(bomb, "gzip", MAX_BYTES)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_what_follows_a_refused_head_is_no_request(receiver: OtlpReceiver) -> None:
    """The body of a request that was refused by its headers is not taken for another request."""
    inner = b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    head = f"POST /v1/traces HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: {len(inner)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.http_port), timeout=10) as connection:
        connection.sendall(head.encode() + inner)
        answers = b"".join(iter(lambda: connection.recv(1000), b""))
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answers


def test_a_body_of_exactly_the_limit_is_taken(receiver: OtlpReceiver, received: Received) -> None:
    """The limit itself is allowed, compressed or not."""
    body = b'{"unknown": "'.ljust(MAX_BYTES - 2, b"x") + b'"}'
    assert post(receiver, body, JSON).status == 200
    assert post(receiver, gzip.compress(body), {**JSON, "Content-Encoding": "gzip"}).status == 200
    assert len(received) == 2


def test_chunked_bodies_arrive(receiver: OtlpReceiver, received: Received) -> None:
    """A body sent in chunks, as exporters that compress on the fly do, is put together."""
    whole = one_span()
    assert post(receiver, iter([whole[:7], whole[7:]]), PROTOBUF).status == 200
    assert names_of(received) == ["predict churn"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/traces", {}, 415),
        ("/v1/traces", {"Content-Type": "text/plain"}, 415),
        ("/v1/traces", {**PROTOBUF, "Content-Encoding": "zstd"}, 415),
        ("/v1/profiles", PROTOBUF, 404),
        ("/", PROTOBUF, 404),
    ],
)
def test_what_is_no_otlp_is_refused(
    receiver: OtlpReceiver, received: Received, path: str, headers: dict[str, str], status: int
) -> None:
    """Other paths, media types and encodings have their status codes."""
    assert post(receiver, one_span(), headers, path).status == status
    assert received == []


@pytest.mark.parametrize(("path", "status"), [("/v1/traces", 405), ("/v1/logs?x=1", 405), ("/index.html", 404)])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(receiver: OtlpReceiver, method: str, path: str, status: int) -> None:
    """OTLP is sent with POST; a signal's path says so, other paths don't exist."""
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.http_port, timeout=10)) as connection:
        connection.request(method, path)
        answer = Answer(connection.getresponse())
    assert answer.status == status
    assert answer.headers["Allow"] == ("POST" if status == 405 else None)


@pytest.mark.parametrize("length", ["Content-Length: many\r\n", ""])
def test_a_body_of_unknown_length_is_refused(receiver: OtlpReceiver, length: str) -> None:
    """Without a length, where a body ends can't be known: 411."""
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n"
    with socket.create_connection(("127.0.0.1", receiver.http_port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 411 ")


def test_a_connection_serves_many_requests(receiver: OtlpReceiver, received: Received) -> None:
    """A connection is kept, also after a malformed body."""
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.http_port, timeout=10)) as connection:
        statuses, ports = [], set()
        for body in (one_span(), b"\xff", one_span()):
            connection.request("POST", "/v1/traces", body, PROTOBUF)
            statuses.append(Answer(connection.getresponse()).status)
            ports.add(connection.sock.getsockname())
    assert statuses == [200, 400, 200]
    assert len(ports) == 1
    assert len(received) == 2


def test_a_stalled_sender_delays_no_other(receiver: OtlpReceiver, received: Received) -> None:
    """While one connection is silent in the middle of a body, others are served."""
    with socket.create_connection(("127.0.0.1", receiver.http_port), timeout=10) as stalled:
        stalled.sendall(b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        assert post(receiver, one_span(), PROTOBUF).status == 200
    assert names_of(received) == ["predict churn"]


def test_a_sink_that_raises_fails_its_request_only(caplog: pytest.LogCaptureFixture) -> None:
    """The sender gets a 500, the reason is logged, and the next request is handed on."""
    calls = []

    def sink(_signal: Signal, request: Message) -> None:
        calls.append(request)
        if len(calls) == 1:
            raise RuntimeError("full")

    with OtlpReceiver(sink) as receiver:
        assert [post(receiver, one_span(), PROTOBUF).status for _ in range(2)] == [500, 200]
    assert "full" in caplog.text
