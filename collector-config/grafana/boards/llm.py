"""LLM clients: operations, latency, tokens, cost, context windows, conversations."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, Variable, legend, quantile
from otelml.rules.naming import Named
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics

PROVIDER, MODEL = names.GEN_AI_PROVIDER_NAME, names.GEN_AI_REQUEST_MODEL
CHOSEN = (f'{labels(PROVIDER)}=~"$provider"', f'{labels(MODEL)}=~"$model"')


def _of(metric: Named) -> Series:
    return Series(metric).matching(CHOSEN)


OPERATIONS = _of(metrics.GEN_AI_CLIENT_OPERATION_DURATION)
GOOD = OPERATIONS.where(names.ERROR_TYPE, "=", "")
FAILED = OPERATIONS.count.where(names.ERROR_TYPE, "!=", "")
TOKENS = _of(metrics.GEN_AI_CLIENT_TOKEN_USAGE).sum
WRITTEN = TOKENS.where(names.GEN_AI_TOKEN_TYPE, "=", names.GenAiTokenType.OUTPUT)
COST = _of(metrics.ML_GEN_AI_CLIENT_OPERATION_COST).sum
CONVERSATION = Series(metrics.ML_GEN_AI_CONVERSATION_COST).matching(CHOSEN[:1])
TURNS = Series(metrics.ML_GEN_AI_CONVERSATION_TURNS).matching(CHOSEN[:1])


def _percentiles(series: Series, *keys: str) -> tuple[Query, ...]:
    return tuple(Query(quantile(it, series, *keys), f"p{it * 100:g} {legend(*keys)}") for it in (0.5, 0.95))


BOARD = Board(
    "otelml-llm",
    "LLM cost and latency",
    "What LLM calls cost, how long they take, and what fails.",
    (
        Variable("provider", "Provider", Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION).count, PROVIDER),
        Variable("model", "Model", Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION).count, MODEL),
    ),
    (
        (
            "Operations",
            (
                Panel(
                    "Operations",
                    "stacked",
                    "reqps",
                    (
                        Query(
                            rate(OPERATIONS.count, WINDOW, names.GEN_AI_OPERATION_NAME, MODEL),
                            legend(names.GEN_AI_OPERATION_NAME, MODEL),
                        ),
                    ),
                    "Operations a second.",
                    8,
                ),
                Panel(
                    "Errors by type",
                    "stacked",
                    "reqps",
                    (Query(rate(FAILED, WINDOW, MODEL, names.ERROR_TYPE), legend(MODEL, names.ERROR_TYPE)),),
                    "Operations a second that failed; rate limits are yours to change.",
                    8,
                ),
                Panel(
                    "Duration",
                    "lines",
                    "s",
                    _percentiles(GOOD, MODEL),
                    "Of operations that succeeded; long answers take long.",
                    8,
                ),
                Panel(
                    "Time to the first chunk",
                    "lines",
                    "s",
                    _percentiles(_of(metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK), MODEL),
                    "What a user waits before anything appears, of streamed answers.",
                ),
                Panel(
                    "Output tokens for each second of generation",
                    "lines",
                    "short",
                    (Query(f"{rate(WRITTEN, WINDOW, MODEL)} / {rate(GOOD.sum, WINDOW, MODEL)}", legend(MODEL)),),
                    "How fast a model writes, whatever the length of its answers.",
                ),
            ),
        ),
        (
            "Tokens and cost",
            (
                Panel(
                    "Tokens",
                    "stacked",
                    "short",
                    (
                        Query(
                            rate(TOKENS, WINDOW, MODEL, names.GEN_AI_TOKEN_TYPE),
                            legend(MODEL, names.GEN_AI_TOKEN_TYPE),
                        ),
                    ),
                    "Tokens a second.",
                    8,
                ),
                Panel(
                    "Cost an hour",
                    "stacked",
                    "currencyUSD",
                    (Query(f"3600 * {rate(COST, WINDOW, PROVIDER, MODEL)}", legend(PROVIDER, MODEL)),),
                    "US dollars an hour at the present rate.",
                    8,
                ),
                Panel(
                    "Cost of an operation",
                    "lines",
                    "currencyUSD",
                    (
                        Query(
                            f"{rate(COST, WINDOW, MODEL)}"
                            f" / {rate(_of(metrics.ML_GEN_AI_CLIENT_OPERATION_COST).count, WINDOW, MODEL)}",
                            legend(MODEL),
                        ),
                    ),
                    "The mean, of operations whose price is known.",
                    8,
                ),
                Panel(
                    "Operations of unknown price",
                    "lines",
                    "reqps",
                    (Query(rate(_of(metrics.ML_GEN_AI_CLIENT_UNPRICED_OPERATIONS), WINDOW, MODEL), legend(MODEL)),),
                    "The cost above is without these; give their model a price.",
                ),
                Panel(
                    "Context window in use",
                    "lines",
                    "percentunit",
                    _percentiles(_of(metrics.ML_GEN_AI_CONTEXT_UTILIZATION), MODEL),
                    "Near 1 an operation fails, or loses the start of the conversation.",
                ),
            ),
        ),
        (
            "Conversations",
            (
                Panel(
                    "Cost of a conversation",
                    "lines",
                    "currencyUSD",
                    _percentiles(CONVERSATION),
                    "Of conversations that ended.",
                ),
                Panel("Turns of a conversation", "lines", "short", _percentiles(TURNS), "Of conversations that ended."),
            ),
        ),
    ),
)
