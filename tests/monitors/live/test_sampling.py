"""How many rows are seen: as many as the budget pays for, drawn blindly."""

from __future__ import annotations

import numpy as np
import pytest

from otelml.monitors.live.sampling import BURST, Sampling
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_serving import X, live, trained
from tests.support.telemetry import Telemetry


def settled(budget: float, cost: int, mean: float) -> Sampling:
    """A sampling after its burst, with rows of this cost and calls of this mean duration, in ns."""
    sampling = Sampling(budget)
    sampling.seen = sampling.offered = BURST
    for _ in range(300):
        sampling.offered += 10_000_000
        sampling.spent(256, 256 * cost, mean)
    return sampling


@pytest.mark.parametrize(
    ("budget", "cost", "mean", "share"), [(0.03, 4000, 80_000, 0.2), (0.03, 4000, 1e6, 1.0), (1, 9e9, 1, 1.0)]
)
def test_the_share_follows_from_the_budget(budget: float, cost: int, mean: float, share: float) -> None:
    """The rows that are seen cost their share of the calls' time."""
    sampling = settled(budget, int(cost), mean)
    assert sampling.share == pytest.approx(share, rel=0.05)


def test_skips_have_the_share() -> None:
    """The gaps between the rows that are seen are as long as the share says, and irregular."""
    sampling = settled(0.03, 24_000, 80_000)
    skips = [sampling.next_skip() for _ in range(20_000)]
    assert 1 / (1 + np.mean(skips)) == pytest.approx(sampling.share, rel=0.05)
    assert np.std(skips) == pytest.approx(np.mean(skips), rel=0.15)


def test_the_first_rows_are_seen() -> None:
    """A model that has just been loaded is watched in full, in single rows and in batches."""
    sampling = Sampling(0.0)
    sampling.spent(256, 256 * 10_000, 1.0)
    assert sampling.share == 1
    assert sampling.part_of(500, 0) == 500


def test_a_big_batch_gives_what_was_saved() -> None:
    """A batch gives the burst, and later ones what their own time pays for."""
    sampling = Sampling(0.03)
    assert sampling.part_of(1_000_000, 1_000_000) == BURST
    later = [sampling.part_of(1000, 1_000_000) for _ in range(200)]
    assert np.mean(later) == pytest.approx(0.03 * 1_000_000 / 4_000, rel=0.3)


def test_a_part_is_spread_over_the_batch() -> None:
    """The rows that are taken stand at equal distances, from a random one on, all inside."""
    sampling = Sampling(0.03)
    firsts = set()
    for _ in range(300):
        first, step = sampling.first_of(1000, 7)
        assert step == 142
        assert first + 6 * step < 1000
        firsts.add(first)
    assert min(firsts) < 20
    assert max(firsts) > 120


def test_telemetry_says_the_share(watch: Watch, telemetry: Telemetry) -> None:
    """Where the budget pays for a part of the rows only, the part is reported, and drift is still found."""
    watch(overhead_budget="1%", drift_windows="200,1000")
    model = trained()
    for seed in range(20):
        model.predict(live(20_000, seed=seed, income=1.0))
    share = telemetry.point(metrics.ML_TELEMETRY_RECORDED.name, {names.ML_TELEMETRY_SIGNAL: "rows"})
    assert 0 < share.value < 0.9
    assert any(event.attributes.get(names.ML_DRIFT_STATE) == "drifted" for event in telemetry.events)
    assert len(X) == 4000
