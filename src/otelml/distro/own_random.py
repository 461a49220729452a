"""Random numbers that are not the application's.

The SDK (1.45) makes its ids, and the OTLP exporters the jitter of their retries, with the module `random`. An
application that seeds it for a reproducible run would draw other numbers than without telemetry, and make the same
trace ids in every run.
"""

from __future__ import annotations

import random
import sys

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from otelml._forks import call_in_children

_own = random.Random()
call_in_children(_own.seed)

# The second draws before every export, whether it is a retry or not.
_DRAWING = ("opentelemetry.exporter.otlp.proto.grpc.exporter", "opentelemetry.exporter.otlp.common.http")


class OwnIdGenerator(RandomIdGenerator):
    """Random ids, as the SDK's own."""

    def generate_span_id(self) -> int:
        """A span id: 64 random bits, not all 0."""
        return _own.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """A trace id: 128 random bits, not all 0."""
        return _own.getrandbits(128) or 1


def let_exporters_draw_their_own() -> None:
    """Keep the exporters that are imported off the application's random numbers."""
    for name in _DRAWING:
        module = sys.modules.get(name)
        if module is not None and getattr(module, "random", None) is random:
            module.random = _own  # type: ignore[attr-defined]
