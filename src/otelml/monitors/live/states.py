"""What the monitors of a model say now, as it is reported."""

from __future__ import annotations

from otelml.monitors.live.watch import Watch
from otelml.observations import ModelState


def state_of(watch: Watch, most_features: int) -> ModelState:
    """The state of one model.

    Args:
        watch: what watches it.
        most_features: number of features whose values are reported by bin.
    """
    features, outputs = watch.features, watch.outputs
    sampling = watch.sampling
    monitors = [stream.monitor for stream in outputs.streams.values() if stream.monitor is not None]
    if features is not None:
        monitors.insert(0, features.drift)
    return ModelState(
        model=watch.model,
        reference=features.name if features is not None else None,
        share=min(sampling.seen / sampling.offered, 1.0) if sampling.offered else 1.0,
        drift=tuple(state for monitor in monitors for state in monitor.states),
        quality=features.quality.counts if features is not None else (),
        bins=features.bins(most_features) if features is not None else (),
        predictions=outputs.summary.latest,
    )
