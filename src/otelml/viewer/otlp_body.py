"""OTLP/HTTP bodies: protobuf or JSON, perhaps compressed, to the export request and back."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from otelml.viewer.otlp import Signal

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
CONTENT_TYPES = (PROTOBUF, JSON)
CONTENT_ENCODINGS = ("", "identity", "gzip", "deflate")

#: OTLP/JSON writes these as hexadecimal, where protobuf's own JSON mapping has base64
#: (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
_HEX_FIELDS = frozenset({"traceId", "spanId", "parentSpanId"})


class Malformed(ValueError):
    """The body is not what its headers say."""


class TooLarge(ValueError):
    """The body is larger than the limit, once it is decompressed."""


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo the content encoding without ever holding more than ``limit`` bytes of the result.

    Raises:
        Malformed: the body isn't of that encoding.
        TooLarge: the result has more than ``limit`` bytes.
    """
    if encoding in ("", "identity"):
        return body
    # 32 + 15: zlib finds out itself whether it is a gzip or a zlib header.
    inflater = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        result = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed(f"not {encoding}: {error}") from error
    if len(result) > limit:
        raise TooLarge
    if not inflater.eof:
        raise Malformed(f"not {encoding}: incomplete")
    return result


def decode_request(signal: Signal, body: bytes, content_type: str) -> Message:
    """Return the export request that a body holds.

    Raises:
        Malformed: the body isn't an export request of this signal.
    """
    request = signal.request()
    try:
        if content_type == JSON:
            tree = json.loads(body)
            if not isinstance(tree, dict):
                raise Malformed("not a JSON object")
            json_format.ParseDict(_with_base64_ids(tree), request, ignore_unknown_fields=True)
        else:
            request.ParseFromString(body)
    except (DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
        raise Malformed(f"not an {type(request).__name__}: {error}") from error
    return request


def encode_message(message: Message, content_type: str) -> bytes:
    """Return a response in the encoding of its request."""
    if content_type == JSON:
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()


def _with_base64_ids(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_base64_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _base64_of_hex(value) if key in _HEX_FIELDS else _with_base64_ids(value) for key, value in node.items()
    }


def _base64_of_hex(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("an id that is not a string")
    try:
        return base64.b64encode(binascii.unhexlify(value)).decode()
    except binascii.Error as error:
        raise Malformed(f"the id {value[:40]!r} is not hexadecimal") from error
