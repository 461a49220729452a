"""PyTorch: every module's outermost forward and every plain training loop, without importing torch.

The outermost call of any `nn.Module` outside training is an inference call, named by `otelml.describe`, else by its
class; `generate` of a Transformers model is one call. What `torch.compile` does is told by `ml.compile.*`. Training
loops are seen by `otelml.instrumentation.torch.training`.
"""

from __future__ import annotations

import sys
from types import ModuleType

from otelml.instrumentation._base import MLInstrumentor
from otelml.instrumentation._patches import OnImport
from otelml.instrumentation.torch.package import REQUIRES, SCOPE
from otelml.settings import Settings
from otelml.telemetry import Telemetry

__all__ = ["TorchInstrumentor"]


class TorchInstrumentor(MLInstrumentor):
    """Instruments PyTorch.

    Example:
        >>> TorchInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = SCOPE
    requires = REQUIRES

    _imports: OnImport | None = None
    _wanted: tuple[Telemetry, Settings] | None = None

    def _switch_on(self, telemetry: Telemetry, settings: Settings) -> None:
        self._wanted = (telemetry, settings)
        if self._imports is None:
            self._imports = OnImport(["torch"], self._imported)
        self._imports.expect()

    def _imported(self, _torch: ModuleType) -> None:
        if self._wanted is None:
            return
        # Imported here: they bring torch, which an application may never import.
        from otelml.instrumentation.torch import compiler, elastic, frames, patch, runtime, training

        telemetry, settings = self._wanted
        runtime.activate(telemetry, self._monitors, with_shapes=settings.torch_input_shapes)
        compiler.switch_on(telemetry)
        elastic.switch_on(telemetry)
        training.switch_on(telemetry, settings)
        patch.switch_on()
        frames.skip_own()

    def _switch_off(self) -> None:
        self._wanted = None
        if "torch" in sys.modules:
            from otelml.instrumentation.torch import compiler, elastic, patch, runtime, training

            patch.switch_off()
            training.switch_off()
            elastic.switch_off()
            compiler.switch_off()
            runtime.deactivate()
