"""The table of endpoints: the path of a request -> what kind of call it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from otelml.instrumentation._genai.paths import method_name
from otelml.instrumentation.google_genai import content, embeddings, generation
from otelml.instrumentation.google_genai.models import model_in
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.telemetry.genai import NO_ANSWER, Answer, Endpoint, Request

_GENERATE = Endpoint(generation.request, generation.answer, generation.Collector, content.of_request)
_EMBED = Endpoint(embeddings.request, embeddings.answer)

_VERBS = {
    "generateContent": _GENERATE,
    "streamGenerateContent": _GENERATE,
    "embedContent": _EMBED,
    "batchEmbedContents": _EMBED,
    "predict": Endpoint(embeddings.prediction, embeddings.answer),
}
"""What `POST` to a model is, by what follows the colon."""

_FAMILIES = (
    ("batch", Operations.BATCH),  # batches, batchPredictionJobs; batchGenerateContent, which makes one
    ("asyncBatch", Operations.BATCH),
    ("files", Operations.FILE),
    ("fileSearchStores", Operations.FILE),
    ("tunedModels", Operations.FINE_TUNING),
    ("tuningJobs", Operations.FINE_TUNING),
)
_WORDS = frozenset(
    "batches batchPredictionJobs cachedContents documents evaluationRuns files fileSearchStores models operations "
    "tunedModels tuningJobs upload".split()
)


def endpoint(method: str, path: str) -> Endpoint:
    """The kind of a request."""
    resource, _, verb = path.partition("?")[0].partition(":")
    if method == "post" and verb in _VERBS:
        return _VERBS[verb]
    return _other(_named(resource, verb) if verb else method_name(method, resource, _WORDS))


def _named(resource: str, verb: str) -> str:
    words = [word for word in resource.split("/") if word in _WORDS]
    return ".".join([*words, verb])


@lru_cache(maxsize=256)
def _other(name: str) -> Endpoint:
    words = name.split(".")
    for start, operation in _FAMILIES:
        if any(word.startswith(start) for word in words):
            return Endpoint(partial(_request, operation, name), _nothing, Ignored)
    return Endpoint(partial(_request, Operations.OTHER, name), _nothing, Ignored)


def _request(operation: str, name: str, given: Mapping[str, Any]) -> Request:
    model = model_in(given) if ":" in given["path"] else None
    return Request(operation, model, {"method": name}, metered=False)


def _nothing(_result: Any) -> Answer:
    return NO_ANSWER


class Ignored:
    """Takes streams of which nothing is known."""

    __slots__ = ()

    def __init__(self, _with_text: bool) -> None:
        """Nothing of them is kept."""

    def add(self, _piece: Any) -> None:
        """Take one piece."""

    def answer(self) -> Answer:
        """Nothing."""
        return NO_ANSWER
