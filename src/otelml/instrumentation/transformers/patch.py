"""The choke point of text generation: `generate` of every model; a pipeline says what its prompt is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.transformers import generation
from otelml.instrumentation.transformers.generation import Prompt
from otelml.instrumentation.transformers.streamer import Timed
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import Endpoint, GenAIOperation, GenAITelemetry, Server

_SERVER = Server(Names.TRANSFORMERS)
_ENDPOINT = Endpoint(generation.request, content=generation.content)
_STREAMER = "streamer"
_PROMPTS = ("prompt_text", "text")
"""Under which the pipelines have what they were given, of text generation and of images and texts."""

_prompt: ContextVar[Prompt | None] = ContextVar("otelml_transformers_prompt", default=None)


def is_of_text(args: Arguments, kwargs: Keywords) -> bool:
    """Whether a call of `generate` is told as that of a GenAI model."""
    return generation.is_of_text(generation.given(args, kwargs, _prompt.get()))


def _receive(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    streamer = plan.given.keywords.get(_STREAMER)
    answer = generation.answer(plan.given, result)
    if isinstance(streamer, Timed):
        operation.stop(answer, streamer._self_figures())
    else:
        operation.stop(answer)
    return result


def plan(_telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of `generate(model, inputs, generation_config, ...)` is."""
    asked = generation.given(args, kwargs, _prompt.get())
    return Plan(_ENDPOINT, _SERVER, asked, receive=_receive) if generation.is_of_text(asked) else None


class Generations(Calls):
    """The calls of `generate`."""

    def call(self, function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Any:
        """The host's call; one that is being compiled is none."""
        if sys.modules["torch"].compiler.is_dynamo_compiling():
            return function(*args, **kwargs)
        return super().call(function, args, _timed(kwargs) or kwargs)

    @guarded
    def _begin(self, args: Arguments, kwargs: Keywords) -> tuple[Plan, GenAIOperation] | None:
        begun = super()._begin(args, kwargs)
        streamer = kwargs.get(_STREAMER)
        if begun is not None and isinstance(streamer, Timed):
            streamer._self_begin(begun[1])
        return begun


@guarded
def _timed(kwargs: Keywords) -> Mapping[str, Any] | None:
    streamer = kwargs.get(_STREAMER)
    return None if streamer is None else {**kwargs, _STREAMER: Timed(streamer)}


def _forward(function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Any:
    """The host's `_forward(pipeline, model_inputs, ...)`, which calls `generate` once."""
    prompt = _prompt_of(*args[:2])
    if prompt is None:
        return function(*args, **kwargs)
    token = _prompt.set(prompt)
    try:
        return function(*args, **kwargs)
    finally:
        _prompt.reset(token)


@guarded
def _prompt_of(pipeline: Any, inputs: Any = None) -> Prompt | None:
    said = next((found for name in _PROMPTS if (found := inputs.get(name)) is not None), None)
    if said is None:
        return None
    return Prompt(said if isinstance(said, list) else [said], pipeline.tokenizer)


CALLS = Generations(plan)

PATCHES = PatchTable(
    Patch("transformers.generation.utils", "GenerationMixin.generate", CALLS.call),
    Patch("transformers.pipelines.text_generation", "TextGenerationPipeline._forward", _forward),
    Patch("transformers.pipelines.image_text_to_text", "ImageTextToTextPipeline._forward", _forward),
)
