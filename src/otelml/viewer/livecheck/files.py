"""OTLP from files: JSON as the Collector's file exporter writes it, or one export request in protobuf."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import JSON, PROTOBUF, Malformed, decode_request

_SIGNAL_OF_KEY = {
    "resourceSpans": Signal.TRACES,
    "resourceMetrics": Signal.METRICS,
    "resourceLogs": Signal.LOGS,
}


class NotOtlp(ValueError):
    """The file does not hold OTLP, or not as it was said to."""


def read_otlp(path: Path, signal: Signal | None = None) -> Iterator[Message]:
    """Yield the export requests in a file.

    Args:
        path: the file.
        signal: the signal of the one protobuf export request in the file. None: the file holds JSON objects, each an
            export request, with or without line breaks inside or between them.

    Raises:
        OSError: the file cannot be read.
        NotOtlp: what is wrong with it, and in which line.
    """
    if signal is None:
        yield from _read_json(path)
        return
    try:
        yield decode_request(signal, path.read_bytes(), PROTOBUF)
    except Malformed as error:
        raise NotOtlp(f"{path}: {error}") from error


def _read_json(path: Path) -> Iterator[Message]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise NotOtlp(f"{path}: not text; say which signal it is if it is protobuf") from error
    decoder, position, count = json.JSONDecoder(), _skip_space(text, 0), 0
    while position < len(text):
        try:
            tree, end = decoder.raw_decode(text, position)
            request = decode_request(_signal_of(tree), text[position:end].encode(), JSON)
        except (json.JSONDecodeError, Malformed, RecursionError) as error:
            line = text.count("\n", 0, position) + 1
            raise NotOtlp(f"{path}:{line}: {error}") from error
        yield request
        count += 1
        position = _skip_space(text, end)
    if not count:
        raise NotOtlp(f"{path}: empty")


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _signal_of(tree: Any) -> Signal:
    for key, signal in _SIGNAL_OF_KEY.items():
        if isinstance(tree, dict) and key in tree:
            return signal
    raise Malformed(f"no {', '.join(_SIGNAL_OF_KEY)} in it")
