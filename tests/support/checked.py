"""The live check as tests apply it: nothing undeclared, nothing missing, no value that the convention does not list."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest
from google.protobuf.message import Message

from otelml.viewer.livecheck import Finding, LiveCheck

# Not wrong in a user's telemetry: an application may opt in, and enums are open. Our own code does neither unasked.
_UNASKED = ("opt_in_attribute_present", "undefined_enum_variant")


class Expectations:
    """What a test may say about its telemetry before it ends."""

    def __init__(self) -> None:
        self.allowed: list[str] = []
        self.expected: set[str] = set()

    def allow(self, *names: str) -> None:
        """Let these attributes (names, or patterns such as `shop.*`) be on any signal, with any value of their type."""
        self.allowed.extend(names)

    def expect(self, *ids: str) -> None:
        """Demand that the live check finds exactly these findings."""
        self.expected.update(ids)

    def verify(self, requests: Iterable[Message]) -> set[tuple[str, str]]:
        """Fail on what the live check finds; return the declared signals that were emitted, as (kind, name)."""
        check = LiveCheck(allow=self.allowed)
        faults = [it for request in requests for it in check.check(request) if self._is_fault(it)]
        if {it.id for it in faults} != self.expected:
            lines = sorted({str(it) for it in faults}) or ["nothing, expected " + ", ".join(self.expected)]
            pytest.fail("the live check found:\n" + "\n".join(lines), pytrace=False)
        return {(kind, name) for kind, name in check.seen}

    def _is_fault(self, finding: Finding) -> bool:
        if finding.id in _UNASKED:
            return not any(fnmatchcase(finding.attribute or "", pattern) for pattern in self.allowed)
        return finding.level == "violation"
