"""The population stability index in PromQL."""

from __future__ import annotations

from otelml.rules.promql import labels
from otelml.rules.rule import Recording

#: Least share that a bin counts with, on both sides, so that an empty bin does not make the index infinite.
LEAST_SHARE = 0.0001


def shares(name: str, counts: str, expected: str, bin_key: str, *keys: str) -> Recording:
    """Return the recording of the share of each bin; bins that are expected and have no values are 0.

    Only where shares are expected at all.

    Args:
        name: the name of the recording.
        counts: an instant vector of counts, with the labels of `keys` and the bin only.
        expected: an instant vector of the expected shares, with the same labels.
        bin_key: the attribute with the bin.
        keys: the attributes of one distribution.
    """
    by = labels(*keys)
    live = f"{counts} / on({by}) group_left sum by ({by}) ({counts})"
    empty = f"0 * {expected} and on({by}) {counts}"
    return Recording(name, f"(({live}) or ({empty})) and on({by}) {expected}")


def stability_index(name: str, live: str, expected: str, *keys: str) -> Recording:
    """Return the recording of the index: the sum over bins of (p - q) * ln(p / q).

    Args:
        name: the name of the recording.
        live: the shares of `shares`.
        expected: the shares they are compared with.
        keys: the attributes of one distribution.
    """
    by = labels(*keys)
    share = f"clamp_min({live}, {LEAST_SHARE})"
    wanted = f"clamp_min({expected} or (0 * {live} and on({by}) {expected}), {LEAST_SHARE})"
    return Recording(name, f"sum by ({by}) (({share} - {wanted}) * ln({share} / {wanted}))")
