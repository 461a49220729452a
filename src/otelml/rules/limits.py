"""The limits of the alerts that need no objective: one table, which a file of objectives may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from otelml.rules.source import Field


class Limit(NamedTuple):
    """A number that an alert compares with.

    Attributes:
        low: the smallest value that makes sense.
        high: the alert could never fire at this value or above.
    """

    default: float
    low: float
    high: float
    meaning: str


_ANY = 1e18
_SHARE = (0.0, 1.0)

LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "serving": {
        "errorRatio": Limit(0.05, *_SHARE, "share of a model's calls that fail, over 15 minutes"),
        "minimumCalls": Limit(20, 1, _ANY, "calls below which nothing is said"),
        "scoreShift": Limit(0.2, 0.0, 18.4, "population stability index of the scores against a week ago"),
        "minimumScores": Limit(1000, 100, _ANY, "scores on both sides below which nothing is said"),
    },
    "drift": {
        "stabilityIndex": Limit(0.2, 0.0, 18.4, "population stability index of a feature over all replicas"),
        "minimumRows": Limit(1000, 200, _ANY, "values of a feature below which nothing is said"),
        "featureRatio": Limit(0.3, *_SHARE, "share of a model's features that drift at once"),
    },
    "quality": {
        "failedRatio": Limit(0.1, *_SHARE, "share of a check's runs that fail, over an hour"),
        "minimumChecks": Limit(5, 1, _ANY, "runs of a check below which nothing is said"),
    },
    "training": {
        "dataWaitRatio": Limit(0.3, *_SHARE, "share of the training time spent waiting for data"),
        "slowdown": Limit(0.5, *_SHARE, "samples a second, as a share of those of the hour before"),
        "stragglerRatio": Limit(0.1, *_SHARE, "share of the time by which a worker computes or waits longer than most"),
        "recompilations": Limit(10, 1, _ANY, "recompilations of a model in 15 minutes"),
    },
    "gpu": {
        "memoryRatio": Limit(0.95, *_SHARE, "share of a GPU's memory in use"),
        "idleRatio": Limit(0.3, *_SHARE, "utilization below which a GPU counts as idle while a model trains"),
    },
    "llm": {
        "costFactor": Limit(3, 1.0, _ANY, "cost of an hour, as a multiple of the mean hour of the day before"),
        "minimumCost": Limit(1, 0.0, _ANY, "US dollars an hour below which nothing is said"),
        "errorRatio": Limit(0.05, *_SHARE, "share of a model's operations that fail, over 15 minutes"),
        "minimumOperations": Limit(20, 1, _ANY, "operations below which nothing is said"),
        "contextRatio": Limit(0.9, *_SHARE, "95th percentile of the share of the context window in use"),
    },
    "telemetry": {
        "recordedRatio": Limit(0.001, *_SHARE, "least share of the calls whose duration is recorded"),
        "queueRatio": Limit(0.8, *_SHARE, "share of the Collector's sending queue in use"),
    },
}

Limits = Mapping[str, float]


def default_limits() -> dict[str, Limits]:
    """Return the limits in force where nothing is set."""
    return {pack: {name: limit.default for name, limit in limits.items()} for pack, limits in LIMITS.items()}


def read_limits(field: Field) -> dict[str, Limits]:
    """Return the limits in force under a document's `spec`; a pack that is `false` there is left out.

    Raises:
        SourceError: an unknown name, or a limit at which its alert would always or never fire.
    """
    found = default_limits()
    for pack, entry in field.table("spec", LIMITS).items():
        if entry.value is False:
            del found[pack]
            continue
        for name, number in entry.table(pack, LIMITS[pack]).items():
            found[pack] = {**found[pack], name: _checked(f"{pack}.{name}", LIMITS[pack][name], number)}
    return found


def _checked(what: str, limit: Limit, field: Field) -> float:
    value = field.number(what)
    if not value < limit.high:
        raise field.error(
            f"{what} ({limit.meaning}) is {value:g}: its alert could never fire, the value never exceeds {limit.high:g}"
        )
    if value < limit.low or (limit.low == 0 and value == 0):
        least = "above 0" if limit.low == 0 else f"at least {limit.low:g}"
        raise field.error(f"{what} ({limit.meaning}) is {value:g}; it must be {least}")
    return value
