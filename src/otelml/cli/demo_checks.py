"""Whether what arrived is what was sent: the demo's own test of the telemetry."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from otelml.semconv import attributes as names
from otelml.viewer import monitoring, overview
from otelml.viewer.monitoring import DriftRow
from otelml.viewer.store import TelemetryStore


class Check(NamedTuple):
    """A number, or names, known from outside, and the same as the telemetry has it."""

    what: str
    sent: int | str
    seen: int | str

    @property
    def holds(self) -> bool:
        """Whether both are the same."""
        return self.sent == self.seen

    def __str__(self) -> str:
        """What was seen, and what was expected where that is something else."""
        if not self.holds:
            return f"{self.what}: {_text(self.sent)} expected, {_text(self.seen)} seen"
        return f"{self.what} {self.seen}" if isinstance(self.seen, str) else f"{_text(self.seen)} {self.what}"


def arrived(
    store: TelemetryStore, answers: Mapping[str, int], changed: Sequence[str] = (), patience: float = 0
) -> list[Check]:
    """Compare the answers that the traffic counted with the telemetry in the store.

    Args:
        store: what arrived.
        answers: the number of answers by HTTP status. One of 200 is a call of the model that returned, one of 500 a
            call that raised; the other requests never got that far.
        changed: the columns that the monitors should have found drifted; none if there was not traffic enough for that.
        patience: how many seconds to wait for telemetry that is on its way.
    """
    deadline = time.monotonic() + patience
    checks = _checks(store, answers, changed)
    while not all(check.holds for check in checks) and time.monotonic() < deadline:
        time.sleep(0.2)
        checks = _checks(store, answers, changed)
    return checks


def settled(store: TelemetryStore, patience: float) -> list[DriftRow]:
    """Return the drift checks of the features when all of them have seen a window, or when the time is over.

    Args:
        store: what arrived.
        patience: how many seconds to wait.
    """
    deadline = time.monotonic() + patience
    while True:
        rows = [row for row in monitoring.drift_rows(store) if row.type == names.DriftType.FEATURE]
        waiting = not rows or any(row.state == names.DriftState.WARMING_UP for row in rows)
        if not waiting or time.monotonic() > deadline:
            return rows
        time.sleep(0.2)


def _text(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value or "nothing"


def _checks(store: TelemetryStore, answers: Mapping[str, int], changed: Sequence[str]) -> list[Check]:
    succeeded = answers.get(str(HTTPStatus.OK.value), 0)
    failed = answers.get(str(HTTPStatus.INTERNAL_SERVER_ERROR.value), 0)
    calls = overview.call_rows(store)
    requests = [span for span in store.spans() if span.kind == "server"]
    request_ids = {span.span_id for span in requests}
    inside = [
        span
        for span in store.spans()
        if span.attributes.get(names.ML_OPERATION_NAME) == names.OperationName.PREDICT and span.parent_id in request_ids
    ]
    checks = [
        Check("requests", sum(answers.values()), len(requests)),
        Check("predict calls", succeeded + failed, sum(row.calls for row in calls)),
        Check("failed", failed, sum(row.errors for row in calls)),
        Check("predict spans inside requests", succeeded + failed, len(inside)),
        Check("predicted classes", succeeded, sum(row.predictions for row in overview.class_rows(store))),
        Check("scores", succeeded, sum(count for row in overview.score_rows(store) for _, count in row.bins)),
        Check("exceptions", failed, sum(row.count for row in overview.exception_rows(store))),
        Check("fit", 1, sum(row.runs for row in overview.run_rows(store) if row.method == names.OperationName.FIT)),
        Check("faults of the telemetry", 0, sum(row.count for row in overview.fault_rows(store))),
    ]
    if changed:
        drifted = {row.feature for row in monitoring.finding_rows(store) if row.state == names.DriftState.DRIFTED}
        checks.append(Check("drift of", ", ".join(sorted(changed)), ", ".join(sorted(drifted))))
    return checks
