"""Hugging Face's `Trainer`: the metrics that it logs, its epochs, evaluations and checkpoints, through its own door.

`transformers.trainer.DEFAULT_CALLBACKS` are the callbacks of each trainer; ours is put among them when that module is
imported. Steps, samples and time are seen by the hooks of PyTorch inside.
"""

from __future__ import annotations

import sys
from types import ModuleType

from otelml._guard import guarded
from otelml.instrumentation._base import MLInstrumentor
from otelml.instrumentation._patches import OnImport
from otelml.instrumentation.transformers_trainer.package import REQUIRES
from otelml.settings import Settings
from otelml.telemetry import Telemetry

__all__ = ["TransformersTrainerInstrumentor"]

_TRAINER = "transformers.trainer"


class TransformersTrainerInstrumentor(MLInstrumentor):
    """Instruments the `Trainer` of Transformers.

    Example:
        >>> TransformersTrainerInstrumentor().instrument()  # tracer_provider=..., meter_provider=...
    """

    scope = "otelml.instrumentation.transformers_trainer"
    requires = REQUIRES

    _imports: OnImport | None = None
    _wanted: tuple[Telemetry, Settings] | None = None

    def _switch_on(self, telemetry: Telemetry, settings: Settings) -> None:
        self._wanted = (telemetry, settings)
        if self._imports is None:
            self._imports = OnImport([_TRAINER], self._imported)
        self._imports.expect()

    @guarded
    def _imported(self, trainer: ModuleType) -> None:
        if self._wanted is None:
            return
        from otelml.instrumentation.transformers_trainer import callback

        callback.switch_on(*self._wanted)
        if callback.OtelmlCallback not in trainer.DEFAULT_CALLBACKS:
            trainer.DEFAULT_CALLBACKS.append(callback.OtelmlCallback)

    def _switch_off(self) -> None:
        self._wanted = None
        trainer = sys.modules.get(_TRAINER)
        if trainer is not None:
            from otelml.instrumentation.transformers_trainer import callback

            callback.switch_off()
            if callback.OtelmlCallback in trainer.DEFAULT_CALLBACKS:
                trainer.DEFAULT_CALLBACKS.remove(callback.OtelmlCallback)
