"""Starting and stopping the receiver."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from contextlib import closing

import pytest
from google.protobuf.message import Message

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver
from tests.viewer.requests_by_hand import PROTOBUF, Answer, Received, one_span, post


def test_after_stop_nothing_is_taken(receiver: OtlpReceiver, received: Received) -> None:
    """Stopping refuses new connections and ends those that are kept."""
    port = receiver.http_port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as kept:
        kept.request("POST", "/v1/traces", one_span(), PROTOBUF)
        assert Answer(kept.getresponse()).status == 200
        receiver.stop()
        # Whether the connection is found closed or still gets told depends on who is quicker.
        with contextlib.suppress(http.client.HTTPException, OSError):
            kept.request("POST", "/v1/traces", one_span(), PROTOBUF)
            assert Answer(kept.getresponse()).status == 503
    with pytest.raises(ConnectionRefusedError), closing(socket.create_connection(("127.0.0.1", port), timeout=10)):
        pass
    assert len(received) == 1


def test_a_request_in_progress_is_answered_at_stop(received: Received) -> None:
    """A request whose body was read when the receiver stops gets its answer."""
    reached, go_on = threading.Event(), threading.Event()
    statuses = []

    def sink(signal: Signal, request: Message) -> None:
        reached.set()
        go_on.wait(10)
        received.append((signal, request))

    receiver = OtlpReceiver(sink).start()
    sender = threading.Thread(target=lambda: statuses.append(post(receiver, one_span(), PROTOBUF).status))
    sender.start()
    assert reached.wait(10)
    receiver.stop()
    go_on.set()
    sender.join(10)
    assert statuses == [200]
    assert len(received) == 1


def test_start_and_stop_again(received: Received) -> None:
    """A receiver starts once at a time, stops any number of times, and can be started again."""
    receiver = OtlpReceiver(lambda signal, request: received.append((signal, request)))
    receiver.stop()
    for _ in range(2):
        with receiver:
            with pytest.raises(RuntimeError, match="running"):
                receiver.start()
            assert post(receiver, one_span(), PROTOBUF).status == 200
        receiver.stop()
    assert len(received) == 2
    with pytest.raises(RuntimeError, match="not running"):
        _ = receiver.http_endpoint


def test_a_taken_port_is_an_os_error(receiver: OtlpReceiver) -> None:
    """Two receivers don't share a port."""
    with pytest.raises(OSError, match="in use"):
        OtlpReceiver(lambda *_: None, http_port=receiver.http_port).start()


def test_other_addresses() -> None:
    """The endpoint of an IPv6 address is a valid URL, and only that address is listened on."""
    try:
        running = OtlpReceiver(lambda *_: None, host="::1").start()
    except OSError:
        pytest.skip("no IPv6 here")
    with closing(socket.socket(socket.AF_INET6)) as probe:
        probe.connect(("::1", running.http_port))
    with pytest.raises(ConnectionRefusedError), closing(socket.create_connection(("127.0.0.1", running.http_port))):
        pass
    assert running.http_endpoint == f"http://[::1]:{running.http_port}"
    running.stop()
