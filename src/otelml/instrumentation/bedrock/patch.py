"""The choke point of botocore: `_make_api_call` of every client of every service, of which Bedrock's are told.

aiobotocore's clients, which are those of aioboto3 too, have one of their own.
"""

from __future__ import annotations

from typing import Any

from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.instrumentation._genai.servers import server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.bedrock import invocation, receiving
from otelml.instrumentation.bedrock.endpoints import CONVERSE, CONVERSE_STREAM, other
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import GenAITelemetry

_SERVICE = "bedrock-runtime"


def plan(telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of `_make_api_call(client, operation_name, api_params)` is."""
    client = args[0]
    if client._service_model.service_name != _SERVICE:
        return None
    operation: str = args[1] if len(args) > 1 else kwargs["operation_name"]
    given: Any = args[2] if len(args) > 2 else kwargs["api_params"]
    server = server_at(client.meta.endpoint_url, Names.AWS_BEDROCK, telemetry.settings.genai_providers)
    if operation == "Converse":
        return Plan(CONVERSE, server, given)
    if operation == "ConverseStream":
        return Plan(CONVERSE_STREAM, server, given, True, receive=receiving.stream_in("stream"))
    if operation == "InvokeModel":
        body = invocation.body_of(given)
        return Plan(invocation.endpoint(body), server, body, receive=receiving.body)
    if operation == "InvokeModelWithResponseStream":
        body = invocation.body_of(given, streams=True)
        return Plan(invocation.endpoint(body), server, body, True, receive=receiving.stream_in("body"))
    return Plan(other(operation), server, given)


CALLS = Calls(plan)

PATCHES = PatchTable(
    Patch("botocore.client", "BaseClient._make_api_call", CALLS.call),
    Patch("aiobotocore.client", "AioBaseClient._make_api_call", CALLS.call_async),
)
