"""The only reader of prompts, answers and tool data: what of them leaves the process, and in what size.

Content is off by default. Where it is on, every text is redacted before it is cut, binary data are never inlined, and
what cannot be serialised is named by its type: nothing in a request can make its telemetry fail.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from enum import Enum
from typing import Any

from otelml.settings import Settings

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EMIT_EVENT = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"
"""OpenTelemetry's variables (opentelemetry-util-genai 1.3b0)."""

REDACTED = "[REDACTED]"

_MODES = {
    "no_content": (False, False),
    "span_only": (True, False),
    "event_only": (False, True),
    "span_and_event": (True, True),
    # What the instrumentations of 2025 took.
    "true": (True, False),
    "false": (False, False),
}
_MAX_DEPTH = 12
_MAX_ITEMS = 500
_MAX_KEY = 128
_MARGIN = 1024
"""A pattern that begins just before the cut still has so many characters to match."""
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,]{0,100};base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]{2048,}")
_MODEL_DUMPS = ("model_dump", "to_dict")


class ContentPolicy:
    """What may be said of content, in one telemetry.

    Attributes:
        on_span: whether content goes on spans.
        on_event: whether content goes on events.
        emits_event: whether there is an event for each inference, with or without content.
        wanted: whether anything reads content at all; else it is neither looked at nor kept.
    """

    def __init__(self, settings: Settings, *, hooked: bool = False) -> None:
        """Read the settings and OpenTelemetry's variables.

        Args:
            settings: the settings in force.
            hooked: whether a completion hook takes the content, wherever else it goes.
        """
        chosen = settings.genai_content
        if chosen == "environment":
            chosen = os.environ.get(CAPTURE, "").strip().lower()
        self.on_span, self.on_event = _MODES.get(chosen, (False, False))
        emit = os.environ.get(EMIT_EVENT, "").strip().lower()
        self.emits_event = self.on_event if emit not in ("true", "false") else emit == "true"
        self.wanted = self.on_span or (self.on_event and self.emits_event) or hooked
        self._length = settings.genai_content_length
        self._patterns = tuple(re.compile(pattern) for pattern in settings.genai_redact)
        self._redactors = settings.genai_redactors

    def text(self, value: object) -> str:
        """Any value as the JSON text of a span's attribute, of the allowed length."""
        return json.dumps(self.plain(value), ensure_ascii=False, separators=(",", ":"))

    def plain(self, value: object, *, whole: bool = False) -> Any:
        """Any value as plain JSON data, redacted.

        Args:
            value: whatever a request or an answer held.
            whole: leave texts at their length, for a hook that stores them elsewhere.
        """
        return _Reader(self._text, None if whole else self._length).read(value, 0)

    def _text(self, text: str, limit: int | None) -> str:
        length = len(text)
        binary = _DATA_URL.match(text)
        if binary or _BASE64.fullmatch(text, 0, 4096):
            return _blob(text, binary[1] if binary else None)
        if limit is not None:
            text = text[: limit + _MARGIN]
        for pattern in self._patterns:
            text = pattern.sub(REDACTED, text)
        for redactor in self._redactors:
            text = str(redactor(text))
        if limit is not None and (length > limit or len(text) > limit):
            text = f"{text[:limit]}... [{length} characters]"
        return text


class _Reader:
    """Reads one value; the budget is for all of it together."""

    def __init__(self, text: Callable[[str, int | None], str], budget: int | None) -> None:
        self._text = text
        self._budget = budget

    def read(self, value: object, depth: int) -> Any:
        if isinstance(value, str):
            return self._string(value)
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float):
            return value if value - value == 0 else str(value)  # JSON has neither NaN nor infinity
        if isinstance(value, (bytes, bytearray, memoryview)):
            return _blob(bytes(value), None)
        if isinstance(value, (datetime, date, time)):
            return value.isoformat()
        if depth >= _MAX_DEPTH:
            return _named(value)
        return self._composite(value, depth + 1)

    def _composite(self, value: object, depth: int) -> Any:
        if isinstance(value, Enum):
            return self.read(value.value, depth)
        if isinstance(value, Mapping):
            return {
                str(key)[:_MAX_KEY]: self.read(item, depth)
                for key, item in self._within(list(value.items())[:_MAX_ITEMS])
            }
        # No other iterable: reading a generator would empty the application's request.
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.read(item, depth) for item in self._within(list(value)[:_MAX_ITEMS])]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
            return self.read(fields, depth)
        for name in _MODEL_DUMPS:
            dump = getattr(value, name, None)
            if callable(dump) and not isinstance(value, type):
                return self.read(dump(), depth)
        return _named(value)

    def _within(self, items: list[Any]) -> list[Any]:
        return items if self._budget is None or self._budget > 0 else []

    def _string(self, value: str) -> str:
        if self._budget is None:
            return self._text(value, None)
        # One long text leaves room for the others.
        limit = self._budget if len(value) <= self._budget else self._budget // 2
        found = self._text(value, max(limit, 0))
        self._budget -= len(found)
        return found


def _named(value: object) -> str:
    return f"[{type(value).__qualname__}]"


def _blob(data: str | bytes, mime_type: str | None) -> str:
    """What stands for binary data: enough to find them again, none of the data."""
    raw = data.encode() if isinstance(data, str) else data
    digest = hashlib.sha256(raw).hexdigest()[:16]
    return f"[{mime_type or 'binary'}, {len(raw)} bytes, sha256 {digest}]"


def part(type_: str, **fields: object) -> dict[str, object]:
    """A part of a message, without the fields that are None."""
    return {"type": type_, **{name: value for name, value in fields.items() if value is not None}}


def message(role: object, parts: Sequence[Mapping[str, object]], finish_reason: object = None) -> dict[str, object]:
    """A message in the form of OpenTelemetry's GenAI messages."""
    found: dict[str, object] = {"role": role, "parts": list(parts)}
    if finish_reason is not None:
        found["finish_reason"] = finish_reason
    return found
