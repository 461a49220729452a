"""Text generation by models of Transformers in this process: `generate`, and the pipelines that call it.

Each call of `generate` that is given token ids is one call of a GenAI model: its span, its tokens as the ids have them,
the time to the first token where a streamer is given. In a text-generation pipeline the call is a chat where the
pipeline is given messages; a pipeline with several prompts makes a call for each batch. Everything else that models of
Transformers do stays an inference call of PyTorch's hook.
"""

from __future__ import annotations

from typing import Any

from otelml.instrumentation import _generation
from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.transformers.package import REQUIRES
from otelml.instrumentation.transformers.patch import CALLS, PATCHES, is_of_text

__all__ = ["TransformersInstrumentor"]


class TransformersInstrumentor(GenAIInstrumentor):
    """Instruments the generation of text by Transformers.

    Example:
        >>> TransformersInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.transformers"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)
        _generation.claim_with(is_of_text)

    def _switch_off(self) -> None:
        _generation.claim_with(None)
        super()._switch_off()
