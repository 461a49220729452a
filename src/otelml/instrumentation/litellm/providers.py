"""Pure: whom LiteLLM asks, by the names that it has for providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from otelml.semconv.attributes import GenAiProviderName as Names

_PROVIDERS = {
    "anthropic": Names.ANTHROPIC,
    "azure": Names.AZURE_AI_OPENAI,
    "azure_ai": Names.AZURE_AI_INFERENCE,
    "azure_text": Names.AZURE_AI_OPENAI,
    "bedrock": Names.AWS_BEDROCK,
    "bedrock_converse": Names.AWS_BEDROCK,
    "cerebras": Names.CEREBRAS,
    "cohere": Names.COHERE,
    "cohere_chat": Names.COHERE,
    "deepseek": Names.DEEPSEEK,
    "fireworks_ai": Names.FIREWORKS,
    "gemini": Names.GCP_GEMINI,
    "groq": Names.GROQ,
    "hosted_vllm": Names.VLLM,
    "huggingface": Names.HUGGINGFACE,
    "lm_studio": Names.LM_STUDIO,
    "mistral": Names.MISTRAL_AI,
    "moonshot": Names.MOONSHOT_AI,
    "nvidia_nim": Names.NVIDIA,
    "ollama": Names.OLLAMA,
    "ollama_chat": Names.OLLAMA,
    "openai": Names.OPENAI,
    "openrouter": Names.OPENROUTER,
    "perplexity": Names.PERPLEXITY,
    "text-completion-openai": Names.OPENAI,
    "together_ai": Names.TOGETHER,
    "vllm": Names.VLLM,
    "watsonx": Names.IBM_WATSONX_AI,
    "xai": Names.X_AI,
}


class Asked(NamedTuple):
    """Who is asked for what.

    Attributes:
        provider: a value of `gen_ai.provider.name`.
        model: as the provider calls it.
    """

    provider: str
    model: str | None


def asked(model: object, given: object, prices: Mapping[str, Any]) -> Asked:
    """Read LiteLLM's name of a model, `provider/model` or a model that it knows.

    Args:
        model: the name.
        given: LiteLLM's name of the provider, where the application gives it apart.
        prices: LiteLLM's table of models.
    """
    if not isinstance(model, str):
        return Asked(Names.OPENAI_COMPATIBLE, None)
    first, slash, rest = model.partition("/")
    if isinstance(given, str) and given:
        return Asked(_named(given), rest if first == given and slash else model)
    if slash and first in _PROVIDERS:
        return Asked(_PROVIDERS[first], rest)
    known = prices.get(model)
    provider = known.get("litellm_provider") if isinstance(known, Mapping) else None
    if isinstance(provider, str):
        return Asked(_named(provider), model)
    return Asked(first, rest) if slash else Asked(Names.OPENAI_COMPATIBLE, model)


def _named(name: str) -> str:
    # Of Vertex there is one for each family of models.
    return Names.GCP_VERTEX_AI if name.startswith("vertex_ai") else _PROVIDERS.get(name, name)
