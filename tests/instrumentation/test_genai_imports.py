"""The hooks of GenAI clients wait for the clients: they import none."""

from __future__ import annotations

import os
import subprocess
import sys

CLIENTS = "anthropic botocore cohere google.genai groq huggingface_hub litellm mcp mistralai ollama openai httpx httpx2"


def test_switching_everything_on_imports_no_client() -> None:
    """`otelml.instrument()` with every hook imports no client, and not what they make requests with."""
    code = f"import sys, otelml; otelml.instrument(); print([it for it in {CLIENTS.split()} if it in sys.modules])"
    environment = {**os.environ, "OTEL_SDK_DISABLED": "true"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
