"""AWS Bedrock, asked with botocore or boto3, aiobotocore or aioboto3.

Converse, ConverseStream, InvokeModel and its stream for the common families of models, with their tokens; whatever else
the runtime is asked for, as operations of its own names. Calls of other services of AWS are not looked at.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.bedrock.package import REQUIRES
from otelml.instrumentation.bedrock.patch import CALLS, PATCHES

__all__ = ["BedrockInstrumentor"]


class BedrockInstrumentor(GenAIInstrumentor):
    """Instruments botocore's clients of Bedrock.

    Example:
        >>> BedrockInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.bedrock"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
