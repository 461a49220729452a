"""Alerts on LLM clients fire when they must, and are silent when they must."""

from __future__ import annotations

from pathlib import Path

from otelml.rules.limits import default_limits
from otelml.rules.packs import llm
from otelml.rules.promql import Series
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.rules.promtool import Case, Made, counter, made, run

LIMITS = default_limits()["llm"]
MODEL = {names.GEN_AI_PROVIDER_NAME: "openai", names.GEN_AI_REQUEST_MODEL: "m"}
DAY = 24 * 60


def test_llm_cost_spike(tmp_path: Path) -> None:
    """Over three times the usual cost of an hour fires; twice does not, nor cents."""

    def cost(usual: float, now: float) -> list[Made]:
        series = Series(metrics.ML_GEN_AI_CLIENT_OPERATION_COST).sum
        return [made(series, MODEL, counter((DAY + 60, usual), (70, now)))]

    at = DAY + 125
    cases = [
        Case("five times", "LlmCostSpike", 1, at, cost(0.1, 0.5)),
        # The hour itself is not in what it is compared with: else this would be less than three times.
        Case("a little over three times", "LlmCostSpike", 1, at, cost(0.1, 0.32)),
        Case("twice", "LlmCostSpike", 0, at, cost(0.1, 0.2)),
        Case("cents", "LlmCostSpike", 0, at, cost(0.0001, 0.001)),
    ]
    run(tmp_path, [llm.group(LIMITS)], cases, every="5m")


def test_llm_operations_fail(tmp_path: Path) -> None:
    """A tenth failing fires; a hundredth and a few in all don't."""

    def operations(failed: float, good: float) -> list[Made]:
        series = Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION).count
        return [
            made(series, MODEL, counter((30, good))),
            made(series, {**MODEL, names.ERROR_TYPE: "RateLimitError"}, counter((30, failed))),
        ]

    cases = [
        Case("a tenth", "LlmOperationsFail", 1, 29, operations(1, 9)),
        Case("a hundredth", "LlmOperationsFail", 0, 29, operations(0.1, 9.9)),
        Case("few", "LlmOperationsFail", 0, 29, operations(0.3, 0.3)),
    ]
    run(tmp_path, [llm.group(LIMITS)], cases)


def test_llm_context_nearly_full(tmp_path: Path) -> None:
    """A tenth of the operations near the end of the window fires; one in fifty doesn't; no traffic doesn't."""

    def utilization(short: float, full: float) -> list[Made]:
        series, model = Series(metrics.ML_GEN_AI_CONTEXT_UTILIZATION).buckets, {names.GEN_AI_REQUEST_MODEL: "m"}
        upto = {"0.5": short, "0.9": short, "0.95": short, "1": short + full, "+Inf": short + full}
        return [made(series, model, counter((40, step)), le=le) for le, step in upto.items()]

    cases = [
        Case("a tenth", "LlmContextNearlyFull", 1, 39, utilization(9, 1)),
        Case("one in fifty", "LlmContextNearlyFull", 0, 39, utilization(49, 1)),
        Case("no traffic", "LlmContextNearlyFull", 0, 39, utilization(0, 0)),
    ]
    run(tmp_path, [llm.group(LIMITS)], cases)
