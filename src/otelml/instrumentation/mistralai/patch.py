"""The methods of Mistral's client, which has no choke point that knows both the question and the answer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from otelml.instrumentation._genai.calls import Arguments, Keywords, Plan
from otelml.instrumentation._genai.methods import MethodCalls
from otelml.instrumentation._genai.servers import server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.mistralai import native
from otelml.instrumentation.mistralai.endpoints import EMBEDDINGS, RESPONSES, completion, conversation, other
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import Endpoint, GenAITelemetry

_TABLE: dict[str, dict[str, Endpoint]] = {
    "chat.Chat": {
        "complete": completion(Operations.CHAT),
        "stream": completion(Operations.CHAT, streams=True),
    },
    "fim.Fim": {
        "complete": completion(Operations.TEXT_COMPLETION),
        "stream": completion(Operations.TEXT_COMPLETION, streams=True),
    },
    "agents.Agents": {
        "complete": completion(Operations.CHAT),
        "stream": completion(Operations.CHAT, streams=True),
    },
    "conversations.Conversations": {
        "start": conversation(),
        "append": conversation(),
        "restart": conversation(),
        "start_stream": conversation(streams=True),
        "append_stream": conversation(streams=True),
        "restart_stream": conversation(streams=True),
    },
    "responses.Responses": {
        "create": RESPONSES,
        "count_input_tokens": other(Operations.OTHER, "responses.count_input_tokens"),
    },
    "embeddings.Embeddings": {"create": EMBEDDINGS},
    "ocr.Ocr": {"process": other(Operations.GENERATE_CONTENT, "ocr.process")},
    "classifiers.Classifiers": {
        "moderate": other(Operations.MODERATION, "classifiers.moderate"),
        "moderate_chat": other(Operations.MODERATION, "classifiers.moderate_chat"),
        "classify": other(Operations.OTHER, "classifiers.classify"),
        "classify_chat": other(Operations.OTHER, "classifiers.classify_chat"),
    },
    "transcriptions.Transcriptions": {"complete": other(Operations.TRANSCRIPTION, "audio.transcriptions.complete")},
    "speech.Speech": {"complete": other(Operations.SPEECH, "audio.speech.complete")},
}
"""The methods by class; each has an asynchronous twin."""


def _url(part: Any, kwargs: Keywords) -> str:
    given = kwargs.get("server_url")
    return str(part.sdk_configuration.get_server_details()[0] if given is None else given)


def plan(endpoint: Endpoint, telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of a method of `args[0]`, a part of the client, is."""
    server = server_at(_url(args[0], kwargs), Names.MISTRAL_AI, telemetry.settings.genai_providers)
    owner = native.owner_of(args[0].sdk_configuration)
    streams = kwargs.get("stream") is True if endpoint is RESPONSES else endpoint.collector is not None
    return Plan(endpoint, server, kwargs, streams, owner=owner)


CALLS = MethodCalls()


def _patches() -> Iterator[Patch]:
    for path, methods in _TABLE.items():
        module, name = path.split(".")
        for method, endpoint in methods.items():
            row = CALLS.row(partial(plan, endpoint))
            where = f"mistralai.client.{module}"
            # What younger releases have is optional.
            yield Patch(where, f"{name}.{method}", row.call, optional=True)
            yield Patch(where, f"{name}.{method}_async", row.call_async, optional=True)


PATCHES = PatchTable(*_patches())
