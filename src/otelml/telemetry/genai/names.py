"""The one table of the names that GenAI telemetry goes by: another release of the convention is another table.

Hooks and the rest of this package speak of fields; what a field is called on the wire stands here and in the registry.
"""

from __future__ import annotations

from typing import NamedTuple

from otelml.semconv import attributes as names

REQUEST_FIELDS = {
    "choice_count": names.GEN_AI_REQUEST_CHOICE_COUNT,
    "dimensions": names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT,
    "encoding_formats": names.GEN_AI_REQUEST_ENCODING_FORMATS,
    "frequency_penalty": names.GEN_AI_REQUEST_FREQUENCY_PENALTY,
    "max_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "method": names.ML_GEN_AI_OPERATION_METHOD,
    "output_type": names.GEN_AI_OUTPUT_TYPE,
    "presence_penalty": names.GEN_AI_REQUEST_PRESENCE_PENALTY,
    "previous_response_id": names.GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID,
    "prompt_name": names.GEN_AI_PROMPT_NAME,
    "prompt_version": names.GEN_AI_PROMPT_VERSION,
    "reasoning_level": names.GEN_AI_REQUEST_REASONING_LEVEL,
    "seed": names.GEN_AI_REQUEST_SEED,
    "stop_sequences": names.GEN_AI_REQUEST_STOP_SEQUENCES,
    "stream": names.GEN_AI_REQUEST_STREAM,
    "temperature": names.GEN_AI_REQUEST_TEMPERATURE,
    "top_k": names.GEN_AI_REQUEST_TOP_K,
    "top_p": names.GEN_AI_REQUEST_TOP_P,
}
"""What a call asks for, by the name of the field in `Request.fields`."""


class UsageName(NamedTuple):
    """A field of `TokenUsage` on a span, and in the counts of kinds of tokens."""

    field: str
    attribute: str
    detail: str


# In the order of the fields of `TokenUsage`, from the third on.
USAGE_DETAILS = (
    UsageName("cache_read", names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, names.GenAiTokenDetail.CACHE_READ),
    UsageName("cache_write", names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, names.GenAiTokenDetail.CACHE_WRITE),
    UsageName("reasoning", names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, names.GenAiTokenDetail.REASONING),
    UsageName("audio_input", names.GEN_AI_USAGE_AUDIO_INPUT_TOKENS, names.GenAiTokenDetail.AUDIO_INPUT),
    UsageName("audio_output", names.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS, names.GenAiTokenDetail.AUDIO_OUTPUT),
)

INFERENCE_CONTEXT = "opentelemetry.genai.client.inference.context"
EMBEDDING_CONTEXT = "opentelemetry.genai.client.embedding.context"
"""The context keys by which instrumentations tell that a call is theirs (opentelemetry-util-genai 1.3b0)."""
