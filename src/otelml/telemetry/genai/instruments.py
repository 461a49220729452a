"""The metrics of GenAI operations, and the attribute sets of their points, made once for each kind of call."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.util.types import AttributeValue

from otelml.observations.genai import TokenUsage
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.telemetry.genai.names import USAGE_DETAILS

Attributes = dict[str, AttributeValue]

_NO_CONTEXT = Context()


class PointSet:
    """The attributes of all points of one kind of call: the same objects again for every call."""

    __slots__ = ("details", "duration", "gap_max", "gap_mean", "input", "output")

    def __init__(self, attributes: Mapping[str, AttributeValue]) -> None:
        self.duration: Attributes = dict(attributes)
        self.input = {**attributes, names.GEN_AI_TOKEN_TYPE: names.GenAiTokenType.INPUT}
        self.output = {**attributes, names.GEN_AI_TOKEN_TYPE: names.GenAiTokenType.OUTPUT}
        self.gap_mean = {**attributes, names.ML_GEN_AI_CHUNK_GAP_STATISTIC: names.GenAiChunkGapStatistic.MEAN}
        self.gap_max = {**attributes, names.ML_GEN_AI_CHUNK_GAP_STATISTIC: names.GenAiChunkGapStatistic.MAX}
        self.details = [{**attributes, names.ML_GEN_AI_TOKEN_DETAIL: it.detail} for it in USAGE_DETAILS]

    def failed(self, error_type: str) -> Attributes:
        """The attributes of a failed call's duration."""
        return {**self.duration, names.ERROR_TYPE: error_type}

    def unmetered(self, status: str) -> Attributes:
        """The attributes of a call whose tokens the provider did not tell."""
        return {**self.duration, names.ML_GEN_AI_USAGE_STATUS: status}


class Instruments:
    """The instruments of one meter."""

    def __init__(self, meter: Meter) -> None:
        self.duration = metrics.GEN_AI_CLIENT_OPERATION_DURATION.create(meter)
        self.tokens = metrics.GEN_AI_CLIENT_TOKEN_USAGE.create(meter)
        self.first_chunk = metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK.create(meter)
        self.chunk = metrics.GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK.create(meter)
        self.chunk_gap = metrics.ML_GEN_AI_CLIENT_CHUNK_GAP.create(meter)
        self.output_rate = metrics.ML_GEN_AI_CLIENT_OUTPUT_RATE.create(meter)
        self.token_details = metrics.ML_GEN_AI_CLIENT_TOKEN_DETAILS.create(meter)
        self.estimated_tokens = metrics.ML_GEN_AI_CLIENT_ESTIMATED_TOKENS.create(meter)
        self.unmetered = metrics.ML_GEN_AI_CLIENT_UNMETERED_OPERATIONS.create(meter)
        self.mcp_duration = metrics.MCP_CLIENT_OPERATION_DURATION.create(meter)
        self.tool_duration = metrics.GEN_AI_EXECUTE_TOOL_DURATION.create(meter)
        self.agent_duration = metrics.GEN_AI_INVOKE_AGENT_DURATION.create(meter)
        self.workflow_duration = metrics.GEN_AI_INVOKE_WORKFLOW_DURATION.create(meter)

    def record_tokens(self, usage: TokenUsage, points: PointSet) -> None:
        """Record the tokens of one call.

        Without its context: an exemplar for every point costs as much as the point (SDK 1.45), and those of the
        duration lead to the same spans.
        """
        if usage.estimated:
            self._record_estimated(usage, points)
            return
        if usage.input is not None:
            self.tokens.record(usage.input, points.input, _NO_CONTEXT)
        if usage.output is not None:
            self.tokens.record(usage.output, points.output, _NO_CONTEXT)
        for tokens, attributes in zip(usage[2:7], points.details, strict=True):
            if tokens:
                self.token_details.add(tokens, attributes, _NO_CONTEXT)

    def _record_estimated(self, usage: TokenUsage, points: PointSet) -> None:
        for tokens, attributes in ((usage.input, points.input), (usage.output, points.output)):
            if tokens is not None:
                self.estimated_tokens.add(tokens, attributes, _NO_CONTEXT)
