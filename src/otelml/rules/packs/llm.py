"""LLM clients: cost that jumps, operations that fail, context windows that fill up."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.promql import Series, increase, labels
from otelml.rules.rule import Alert, Group
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = (names.GEN_AI_PROVIDER_NAME, names.GEN_AI_REQUEST_MODEL)


def group(limits: Limits) -> Group:
    """Return the rules."""
    cost = Series(metrics.ML_GEN_AI_CLIENT_OPERATION_COST).sum
    # The hour itself is left out of what it is compared with.
    usual = f"({increase(cost, '1d', *MODEL, offset='1h')} / 24)"
    calls = Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION).count
    failed = increase(calls.where(names.ERROR_TYPE, "!=", ""), "15m", *MODEL)
    context = Series(metrics.ML_GEN_AI_CONTEXT_UTILIZATION)
    by = labels(names.GEN_AI_REQUEST_MODEL)
    filled = f"histogram_quantile(0.95, sum by ({by}, le) (rate({context.buckets}[15m])))"
    model = "{{ $labels." + by + " }}"
    return Group(
        "llm",
        (
            Alert(
                "LlmCostSpike",
                f"({increase(cost, '1h', *MODEL)} > {limits['minimumCost']:g}) > {limits['costFactor']:g} * {usual}",
                "page",
                f"{model} cost {{{{ $value | humanize }}}} US dollars in the last hour, far more than usual",
                "the dashboard LLM: more operations, more tokens for each, or a dearer model; then who calls so often",
                "llm-cost-spike",
                "5m",
            ),
            Alert(
                "LlmOperationsFail",
                f"({failed} / ({increase(calls, '15m', *MODEL)} >= {limits['minimumOperations']:g}))"
                f" > {limits['errorRatio']:g}",
                "page",
                f"{{{{ $value | humanizePercentage }}}} of the operations with {model} fail",
                "the panel Errors by type of the dashboard LLM: rate limits are yours, the rest the provider's",
                "llm-operations-fail",
                "5m",
            ),
            Alert(
                "LlmContextNearlyFull",
                f"{filled} > {limits['contextRatio']:g}",
                "ticket",
                f"each twentieth operation with {model} uses over {{{{ $value | humanizePercentage }}}} of its context",
                "whether conversations grow without being shortened, or a tool returns too much",
                "llm-context-nearly-full",
                "10m",
            ),
        ),
    )
