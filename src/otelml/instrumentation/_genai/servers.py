"""Whom a client asks, by the address that it is given: the provider is who answers, not whose client it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import Server

_BY_DOMAIN = {
    "api.openai.com": Names.OPENAI,
    "openai.azure.com": Names.AZURE_AI_OPENAI,
    "cognitiveservices.azure.com": Names.AZURE_AI_OPENAI,
    "models.inference.ai.azure.com": Names.AZURE_AI_INFERENCE,
    "services.ai.azure.com": Names.AZURE_AI_INFERENCE,
    "api.anthropic.com": Names.ANTHROPIC,
    "generativelanguage.googleapis.com": Names.GCP_GEMINI,
    "aiplatform.googleapis.com": Names.GCP_VERTEX_AI,
    "amazonaws.com": Names.AWS_BEDROCK,
    "api.groq.com": Names.GROQ,
    "api.deepseek.com": Names.DEEPSEEK,
    "api.x.ai": Names.X_AI,
    "api.mistral.ai": Names.MISTRAL_AI,
    "api.perplexity.ai": Names.PERPLEXITY,
    "api.moonshot.ai": Names.MOONSHOT_AI,
    "api.moonshot.cn": Names.MOONSHOT_AI,
    "api.cohere.ai": Names.COHERE,
    "api.cohere.com": Names.COHERE,
    "cloud.ibm.com": Names.IBM_WATSONX_AI,
    "openrouter.ai": Names.OPENROUTER,
    "api.together.ai": Names.TOGETHER,
    "api.together.xyz": Names.TOGETHER,
    "api.fireworks.ai": Names.FIREWORKS,
    "api.cerebras.ai": Names.CEREBRAS,
    "integrate.api.nvidia.com": Names.NVIDIA,
    "huggingface.co": Names.HUGGINGFACE,
}
_BY_PORT = {11434: Names.OLLAMA, 1234: Names.LM_STUDIO}
"""The ports at which these servers listen by default."""
_BY_WORD = (Names.VLLM, Names.OLLAMA)
"""Names of servers that people put into the names of their hosts."""


def provider_at(host: str, port: int | None, named: Iterable[str] = ()) -> str | None:
    """The provider at an address; None where the address does not tell.

    Args:
        host: in lower case.
        port: the port, None where it is the scheme's own.
        named: the setting `genai_providers`, rows of `host=provider` or `host:port=provider`.
    """
    for row in named:
        address, _, provider = row.partition("=")
        if address in (host, f"{host}:{port}") and provider:
            return provider
    parts = host.split(".")
    for start in range(len(parts) - 1):
        found = _BY_DOMAIN.get(".".join(parts[start:]))
        if found is not None:
            return found
    if port in _BY_PORT:
        return _BY_PORT[port]
    return next((word for word in _BY_WORD if word in host), None)


@lru_cache(maxsize=256)
def server_at(url: str, default: str, named: tuple[str, ...] = ()) -> Server:
    """The server of an address.

    Args:
        url: with its scheme.
        default: the provider where the address does not tell.
        named: the setting `genai_providers`.
    """
    address = urlsplit(url)
    host = address.hostname or ""
    return Server(provider_at(host, address.port, named) or default, host, address.port)


class Servers:
    """The servers of clients, each found once: an address is parsed for every look at it."""

    def __init__(self, address: Callable[[Any], Any], default: Callable[[Any], str]) -> None:
        """Say how a client tells its address.

        Args:
            address: gives the object that has `host` and `port`.
            default: names the provider where the address does not tell.
        """
        self._address = address
        self._default = default
        self._known: WeakKeyDictionary[Any, tuple[Any, tuple[str, ...], Server]] = WeakKeyDictionary()

    def of(self, client: Any, named: tuple[str, ...] = ()) -> Server:
        """The server that a client asks."""
        address = self._address(client)
        known = self._known.get(client)
        if known is not None and known[0] is address and known[1] is named:
            return known[2]
        host, port = str(address.host).lower(), address.port
        server = Server(provider_at(host, port, named) or self._default(client), host, port)
        self._known[client] = (address, named, server)
        return server
