"""Where each signal is exported to by the OTEL_* variables, and whether someone answers there."""

from __future__ import annotations

import os
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import PROTOBUF

_TIMEOUT = 3.0
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """Where a signal goes, in words, and what is wrong there if something is."""

    sentence: str
    problem: str = ""


def targets() -> dict[Signal, Target]:
    """Look at the export of every signal; asks each endpoint once."""
    return {signal: _target(signal) for signal in Signal}


def _target(signal: Signal) -> Target:
    exporters = os.environ.get(f"OTEL_{signal.value.upper()}_EXPORTER", "").strip() or "otlp"
    if "otlp" not in [name.strip() for name in exporters.split(",")]:
        return Target(f"exporter {exporters}")
    protocol = _of_signal(signal, "PROTOCOL") or "http/protobuf"
    endpoint = _endpoint(signal, protocol)
    answer, ok = _ask_grpc(endpoint) if protocol == "grpc" else _ask_http(signal, endpoint)
    sentence = f"OTLP ({protocol}) to {endpoint}: {answer}"
    return Target(sentence, "" if ok else f"{signal.value} cannot be exported to {endpoint}: {answer}.")


def _of_signal(signal: Signal, what: str) -> str:
    specific = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.value.upper()}_{what}", "").strip()
    return specific or os.environ.get(f"OTEL_EXPORTER_OTLP_{what}", "").strip()


def _endpoint(signal: Signal, protocol: str) -> str:
    if protocol == "grpc":
        return _of_signal(signal, "ENDPOINT") or "http://localhost:4317"
    specific = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.value.upper()}_ENDPOINT", "").strip()
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip() or "http://localhost:4318"
    return specific or base.rstrip("/") + signal.path


def _ask_http(signal: Signal, endpoint: str) -> tuple[str, bool]:
    """Send an export request without data, which receivers have to accept."""
    headers = {"Content-Type": PROTOBUF, **parse_env_headers(_of_signal(signal, "HEADERS"), liberal=True)}
    certificate = _of_signal(signal, "CERTIFICATE")
    try:
        if urlsplit(endpoint).scheme not in _DEFAULT_PORTS:
            raise ValueError("not an http or https address")
        request = urllib.request.Request(endpoint, data=signal.request().SerializeToString(), headers=headers)
        context = ssl.create_default_context(cafile=certificate or None)
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=context) as response:
            return f"answers (HTTP {response.status})", True
    except urllib.error.HTTPError as error:
        return f"answers with HTTP {error.code} ({error.reason})", False
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return f"does not answer ({reason})", False


def _ask_grpc(endpoint: str) -> tuple[str, bool]:
    """Open a connection; what a gRPC server says to a request without its credentials would tell no more."""
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    try:
        address = (parts.hostname or "localhost", parts.port or _DEFAULT_PORTS.get(parts.scheme, 4317))
        with socket.create_connection(address, timeout=_TIMEOUT):
            return "accepts connections", True
    except (OSError, ValueError) as error:
        return f"does not answer ({error})", False
