"""LiteLLM's names of models: who is asked, and for what."""

from __future__ import annotations

import pytest

from otelml.instrumentation.litellm.providers import Asked, asked

PRICES = {"claude-sonnet-4-5": {"litellm_provider": "anthropic"}, "gpt-4o": {"litellm_provider": "openai"}, "odd": 3}


@pytest.mark.parametrize(
    ("model", "given", "found"),
    [
        ("openai/gpt-4o", None, ("openai", "gpt-4o")),
        ("gpt-4o", None, ("openai", "gpt-4o")),
        ("claude-sonnet-4-5", None, ("anthropic", "claude-sonnet-4-5")),
        ("bedrock/anthropic.claude-3", None, ("aws.bedrock", "anthropic.claude-3")),
        ("together_ai/meta-llama/Llama-3", None, ("together", "meta-llama/Llama-3")),
        ("gpt-4o", "azure", ("azure.ai.openai", "gpt-4o")),
        ("azure/mine", "azure", ("azure.ai.openai", "mine")),
        ("x", "vertex_ai-anthropic_models", ("gcp.vertex_ai", "x")),
        ("replicate/a/b", None, ("replicate", "a/b")),
        ("mine", None, ("openai_compatible", "mine")),
        ("odd", None, ("openai_compatible", "odd")),
        (None, None, ("openai_compatible", None)),
    ],
)
def test_names_of_models(model: object, given: object, found: tuple[str, str | None]) -> None:
    """By the provider that is given, by the prefix, or by LiteLLM's table."""
    assert asked(model, given, PRICES) == Asked(*found)
