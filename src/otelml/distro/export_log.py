"""One log line about a failed export, with what to do about it.

While the endpoint is down, the OTLP exporters (1.45) log a warning for every retry and an error for every batch of each
of three signals, forever. The first loss of each kind is let through, with a hint; its repeats are held back until
export has worked again, failures have paused, or an hour has passed. Everything else that these loggers say passes
untouched, and at level DEBUG so does all of it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_ENDPOINT

from otelml._forks import call_in_children
from otelml._guard import guarded

LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.sdk._shared_internal",  # the queues of spans and log records
)

_RETRIED = "Transient error"
_LOST = "Failed to export"
_ABORTED = "Shutdown in progress, aborting retry"
_QUEUE_FULL = "Queue full, dropping"

_REPEATED_AFTER = 3600.0
_PAUSE = 300.0
"""Seconds without a failure after which the next is news, where nobody says that export has worked: more than an export
interval."""

_SIGNALS = {"spans": "traces"}
_UNREACHABLE = "unreachable"
_UNKNOWN = "no answer, or none in time"
"""What an exporter that has tried once does not say."""

_DENIED_HINT = "The endpoint wants credentials: OTEL_EXPORTER_OTLP_HEADERS sets them, as in `authorization=Bearer ...`."
_PATH_HINT = (
    "The endpoint does not take {signal} there: OTEL_EXPORTER_OTLP_ENDPOINT is the base address, to which "
    "/v1/{signal} is added; OTEL_{SIGNAL}_EXPORTER=none switches their export off."
)
_CONTENT_HINT = (
    "The endpoint does not understand what it gets: OTEL_EXPORTER_OTLP_PROTOCOL must be what it speaks "
    "(usually http/protobuf on port 4318, grpc on port 4317)."
)
_UNREACHABLE_HINT = (
    "Does a collector listen there? OTEL_EXPORTER_OTLP_ENDPOINT (now {endpoint}) says where to, "
    "OTEL_EXPORTER_OTLP_PROTOCOL how (usually http/protobuf on port 4318, grpc on port 4317); "
    "OTEL_{SIGNAL}_EXPORTER=none switches the export off."
)
_ADDRESS_HINT = "Is OTEL_EXPORTER_OTLP_ENDPOINT (now {endpoint}) an address such as http://localhost:4318?"
_OTHER_HINT = "What the endpoint itself has logged will say more."
_HINTS = {
    "None": _ADDRESS_HINT,  # no status, and nothing to retry
    **dict.fromkeys(("401", "403", "UNAUTHENTICATED", "PERMISSION_DENIED"), _DENIED_HINT),
    **dict.fromkeys(("404", "405", "UNIMPLEMENTED"), _PATH_HINT),
    **dict.fromkeys(("400", "415", "INVALID_ARGUMENT"), _CONTENT_HINT),
    **dict.fromkeys((_UNREACHABLE, "UNAVAILABLE", "DEADLINE_EXCEEDED"), _UNREACHABLE_HINT),
}


class _Failure(NamedTuple):
    signal: str
    kind: str
    reason: object


class ExportLog(logging.Filter):
    """The filter on the exporters' loggers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing said.

        Args:
            clock: seconds.
        """
        super().__init__()
        self._clock = clock
        self._retried: dict[int | None, _Failure] = {}
        self._said: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._failing: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        call_in_children(self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def install(self) -> None:
        """Begin to filter; again is no harm."""
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self)

    def uninstall(self) -> None:
        """Leave the loggers as they were."""
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged; one that is let through gets its hint."""
        if logging.getLogger(record.name).isEnabledFor(logging.DEBUG):
            return True
        return self._passes(record) is not False

    def worked(self, signal: str) -> None:
        """Take it that a signal has been exported, so that its next failure is news.

        Args:
            signal: traces, metrics or logs.
        """
        with self._lock:
            for kind, signals in list(self._failing.items()):
                signals.discard(signal)
                if not signals:
                    self._forget(kind)

    @guarded
    def _passes(self, record: logging.LogRecord) -> bool:
        message = str(record.msg)
        if message.startswith(_RETRIED):
            with self._lock:
                self._retried[record.thread] = _retried(record)
            return False
        if message.startswith(_QUEUE_FULL):
            return self._queue_full(record)
        if not message.startswith((_LOST, _ABORTED)):
            return True
        with self._lock:
            failure = _lost(record, self._retried.pop(record.thread, None))
            if failure.reason is _UNKNOWN and self._failing:
                return False  # the last of a failure that has been logged
            self._failing.setdefault(failure.kind, set()).add(failure.signal)
            if not self._is_news(failure.kind):
                return False
        record.msg = (
            "The export of %s failed: %s. %s The application is not affected. Repeats are not logged for an hour."
        )
        record.args = (failure.signal, failure.reason, _hint(failure))
        return True

    def _queue_full(self, record: logging.LogRecord) -> bool:
        # The consequence of a failing export, or else of more spans than can be sent in time.
        with self._lock:
            if self._retried or self._failing or not self._is_news(_QUEUE_FULL):
                return False
        record.msg = f"{record.msg} OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BLRP_MAX_QUEUE_SIZE make the queues longer."
        return True

    def _is_news(self, kind: str) -> bool:
        now = self._clock()
        said, seen = self._said.get(kind), self._seen.get(kind, now)
        self._seen[kind] = now
        if said is not None and now - seen < _PAUSE and now - said < _REPEATED_AFTER:
            return False
        self._said[kind] = now
        return True

    def _forget(self, kind: str) -> None:
        del self._failing[kind]
        self._said.pop(kind, None)
        self._seen.pop(kind, None)


def _retried(record: logging.LogRecord) -> _Failure:
    args = record.args if isinstance(record.args, tuple) else ()
    reason, signal, *rest = (*args, "", "")
    # Over HTTP the reason is an exception when there was no answer, over gRPC a status code.
    kind = _UNREACHABLE if isinstance(reason, Exception) else _code(reason)
    details = rest[2] if record.name.endswith("grpc.exporter") and len(rest) > 2 else None
    return _Failure(_signal(signal), kind, f"{reason}: {details}" if details else reason)


def _lost(record: logging.LogRecord, retried: _Failure | None) -> _Failure:
    args = record.args if isinstance(record.args, tuple) else ()
    if len(args) == 3:  # HTTP: signal, status, reason
        return _Failure(_signal(args[0]), _code(args[1]), f"{args[1]} {args[2]}" if args[1] else args[2])
    if len(args) == 4:  # gRPC: signal, endpoint, status, details
        return _Failure(_signal(args[0]), _code(args[2]), f"{args[1]}: {args[2]}: {args[3]}")
    return retried or _Failure(_signal(args[0] if args else ""), _UNREACHABLE, _UNKNOWN)


def _code(code: object) -> str:
    return str(code).rpartition(".")[2]  # `StatusCode.UNAVAILABLE` over gRPC


def _signal(word: object) -> str:
    return _SIGNALS.get(str(word), str(word)) or "telemetry"


def _hint(failure: _Failure) -> str:
    endpoint = os.environ.get(OTEL_EXPORTER_OTLP_ENDPOINT) or "not set, so localhost"
    hint = _HINTS.get(failure.kind, _OTHER_HINT)
    return hint.format(endpoint=endpoint, signal=failure.signal, SIGNAL=failure.signal.upper())


EXPORT_LOG = ExportLog()
"""The one of the process."""
