"""The tasks of Hugging Face's inference clients: a method each, with an asynchronous twin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.calls import Arguments, Keywords, Plan
from otelml.instrumentation._genai.methods import MethodCalls
from otelml.instrumentation._genai.openai_api import answers, content, requests
from otelml.instrumentation._genai.openai_api.stream import ChatCollector
from otelml.instrumentation._genai.reading import text
from otelml.instrumentation._genai.servers import server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.huggingface_hub import generation
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import Endpoint, GenAITelemetry, Request, Server

_ROUTER = "router.huggingface.co"
_PROVIDERS = {
    "cerebras": Names.CEREBRAS,
    "cohere": Names.COHERE,
    "fireworks-ai": Names.FIREWORKS,
    "groq": Names.GROQ,
    "hf-inference": Names.HUGGINGFACE,
    "nvidia": Names.NVIDIA,
    "openai": Names.OPENAI,
    "together": Names.TOGETHER,
}
"""The client's names of providers; the others are told as they are."""
_CHOSEN_BY_ROUTER = (None, "auto")


def _task(operation: str, method: str, body: Mapping[str, Any]) -> Request:
    return Request(operation, text(body.get("model")), {"method": method}, metered=False)


def _embeddings(body: Mapping[str, Any]) -> Request:
    return Request(Operations.EMBEDDINGS, text(body.get("model")), {}, metered=False)


def _other(operation: str, method: str) -> tuple[Endpoint, str]:
    return Endpoint(partial(_task, operation, method)), "inputs"


_METHODS: dict[str, tuple[Endpoint, str]] = {
    "chat_completion": (Endpoint(requests.chat, answers.chat, ChatCollector, content.of_chat), "messages"),
    "text_generation": (
        Endpoint(generation.asked, generation.answer, generation.GenerationCollector, generation.content),
        "prompt",
    ),
    "feature_extraction": (Endpoint(_embeddings), "text"),
    "text_to_image": _other(Operations.IMAGE_GENERATION, "text_to_image"),
    "image_to_image": _other(Operations.IMAGE_GENERATION, "image_to_image"),
    "text_to_speech": _other(Operations.SPEECH, "text_to_speech"),
    "automatic_speech_recognition": _other(Operations.TRANSCRIPTION, "automatic_speech_recognition"),
    "translation": _other(Operations.TRANSLATION, "translation"),
    **{
        name: _other(Operations.OTHER, name)
        for name in (
            "audio_classification",
            "audio_to_audio",
            "document_question_answering",
            "fill_mask",
            "image_classification",
            "image_segmentation",
            "image_to_text",
            "image_to_video",
            "object_detection",
            "question_answering",
            "sentence_similarity",
            "summarization",
            "table_question_answering",
            "tabular_classification",
            "tabular_regression",
            "text_classification",
            "text_to_video",
            "token_classification",
            "visual_question_answering",
            "zero_shot_classification",
            "zero_shot_image_classification",
        )
    },
}
"""The methods, and the names of their first positional argument."""


def _server(client: Any, place: str | None, named: tuple[str, ...]) -> Server:
    given = getattr(client, "provider", None)
    provider = Names.HUGGINGFACE if given in _CHOSEN_BY_ROUTER else _PROVIDERS.get(given, str(given))
    if place is not None:
        return server_at(place, provider, named)
    token = getattr(client, "token", None)
    # With a provider's own key the client asks the provider, at an address that it finds out later.
    routed = not isinstance(token, str) or token.startswith("hf_")
    return Server(provider, _ROUTER if routed else None)


def plan(
    endpoint: Endpoint, positional: str, telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords
) -> Plan | None:
    """What a call of a method of `args[0]`, a client, is."""
    client, *given = args
    body: dict[str, Any] = {**dict(zip((positional,), given, strict=False)), **kwargs}
    models = (body.get("model"), client.model)
    place = next((it for it in models if isinstance(it, str) and it.startswith(("http://", "https://"))), None)
    body["model"] = next((it for it in models if isinstance(it, str) and it != place), None)
    server = _server(client, place, telemetry.settings.genai_providers)
    return Plan(endpoint, server, body, body.get("stream") is True)


CALLS = MethodCalls()


def _patches() -> Iterator[Patch]:
    for name, (endpoint, positional) in _METHODS.items():
        row = CALLS.row(partial(plan, endpoint, positional))
        yield Patch("huggingface_hub.inference._client", f"InferenceClient.{name}", row.call, optional=True)
        asynchronous = "huggingface_hub.inference._generated._async_client"
        yield Patch(asynchronous, f"AsyncInferenceClient.{name}", row.call_async, optional=True)


PATCHES = PatchTable(*_patches())
