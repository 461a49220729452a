"""What is said of a call at its end: the attributes of its span, and its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.util.types import AttributeValue

from otelml.observations.genai import NO_USAGE, TokenUsage
from otelml.semconv import attributes as names
from otelml.telemetry.genai.facts import Answer
from otelml.telemetry.genai.names import USAGE_DETAILS
from otelml.telemetry.genai.timing import StreamFigures

if TYPE_CHECKING:
    from otelml.telemetry.genai.operation import GenAIOperation

_MAX_FINISH_REASONS = 16
_DETAILS = tuple(it.attribute for it in USAGE_DETAILS)


def describe(attributes: dict[str, AttributeValue], answer: Answer, stream: StreamFigures, metered: bool) -> None:
    """Add what an answer says to the attributes of its span."""
    if answer.model is not None:
        attributes[names.GEN_AI_RESPONSE_MODEL] = answer.model
    if answer.id is not None:
        attributes[names.GEN_AI_RESPONSE_ID] = answer.id
    if answer.finish_reasons:
        attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] = answer.finish_reasons[:_MAX_FINISH_REASONS]
    if answer.status is not None:
        attributes[names.GEN_AI_RESPONSE_STATUS] = answer.status
    if answer.conversation_id is not None:
        attributes[names.GEN_AI_CONVERSATION_ID] = answer.conversation_id
    usage = answer.usage
    if usage is not NO_USAGE:
        _describe_usage(attributes, usage)
    if metered and (status := usage_status(usage)) is not None:
        attributes[names.ML_GEN_AI_USAGE_STATUS] = status
    if stream.chunks:
        _describe_stream(attributes, stream, usage)


def _describe_usage(attributes: dict[str, AttributeValue], usage: TokenUsage) -> None:
    if usage.input is not None:
        attributes[names.GEN_AI_USAGE_INPUT_TOKENS] = usage.input
    if usage.output is not None:
        attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] = usage.output
    for tokens, attribute in zip(usage[2:7], _DETAILS, strict=True):
        if tokens:
            attributes[attribute] = tokens


def _describe_stream(attributes: dict[str, AttributeValue], stream: StreamFigures, usage: TokenUsage) -> None:
    attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] = stream.chunks
    if stream.to_first_chunk is not None:
        attributes[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = stream.to_first_chunk
    if stream.mean_gap is not None and stream.max_gap is not None:
        attributes[names.ML_GEN_AI_RESPONSE_CHUNK_GAP_MEAN] = stream.mean_gap
        attributes[names.ML_GEN_AI_RESPONSE_CHUNK_GAP_MAX] = stream.max_gap
    rate = output_rate(stream, usage)
    if rate is not None:
        attributes[names.ML_GEN_AI_RESPONSE_OUTPUT_RATE] = rate


def output_rate(stream: StreamFigures, usage: TokenUsage) -> float | None:
    """Output tokens per second of a stream, None where there is no telling."""
    if not usage.output or stream.generating <= 0:
        return None
    return usage.output / stream.generating


def usage_status(usage: TokenUsage) -> str | None:
    """Why the tokens of a call are not the provider's; None where they are."""
    if not usage.known:
        return names.GenAiUsageStatus.MISSING
    return names.GenAiUsageStatus.ESTIMATED if usage.estimated else None


def record(
    operation: GenAIOperation, answer: Answer, stream: StreamFigures, failed: str | None, duration: float
) -> None:
    """Record the metrics of a call that nobody else counts."""
    if operation.owner is not None and operation.owner.has_metrics:
        return
    telemetry, context = operation.telemetry, operation.context
    instruments, usage = telemetry.instruments, answer.usage
    extra = telemetry.metric_attributes(operation.outside) if operation.extra else None
    points = operation.target.points(answer.model, extra)
    instruments.duration.record(duration, points.duration if failed is None else points.failed(failed), context)
    if usage is not NO_USAGE:
        instruments.record_tokens(usage, points)
    if operation.request.metered and failed is None and (status := usage_status(usage)) is not None:
        instruments.unmetered.add(1, points.unmetered(status), context)
    if stream.to_first_chunk is None:
        return
    instruments.first_chunk.record(stream.to_first_chunk, points.duration, context)
    if stream.mean_gap is not None and stream.max_gap is not None:
        instruments.chunk_gap.record(stream.mean_gap, points.gap_mean, context)
        instruments.chunk_gap.record(stream.max_gap, points.gap_max, context)
    rate = output_rate(stream, usage)
    if rate is not None:
        instruments.output_rate.record(rate, points.duration, context)
