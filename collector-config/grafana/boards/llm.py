"""LLM clients: operations, latency, tokens, cost, context windows, conversations."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, Variable, legend, quantile
from otelml.rules.naming import Named
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

PROVIDER, MODEL = names.GEN_AI_PROVIDER_NAME, names.GEN_AI_REQUEST_MODEL
OPERATION = (names.GEN_AI_OPERATION_NAME, MODEL)
PART, DETAIL, STATUS = names.ML_GEN_AI_USAGE_COST_PART, names.ML_GEN_AI_TOKEN_DETAIL, names.ML_GEN_AI_USAGE_STATUS
PERSONA, QUERY_TYPE = names.ML_GEN_AI_CONVERSATION_PERSONA, names.ML_GEN_AI_QUERY_TYPE
CHOSEN = (f'{labels(PROVIDER)}=~"$provider"', f'{labels(MODEL)}=~"$model"')
USER = (f'{labels(PERSONA)}=~"$persona"', f'{labels(QUERY_TYPE)}=~"$query_type"')


def _of(metric: Named) -> Series:
    return Series(metric).matching(CHOSEN)


def _by_user(metric: Named, *chosen: str) -> Series:
    return Series(metric).matching((*chosen, *USER))


def _each(title: str, metric: Metric, key: str, meaning: str) -> Panel:
    """How long something with a name ran."""
    return Panel(title, "lines", "s", (Query(quantile(0.95, Series(metric), key), f"p95 {legend(key)}"),), meaning, 8)


OPERATIONS = _of(metrics.GEN_AI_CLIENT_OPERATION_DURATION)
GOOD = OPERATIONS.where(names.ERROR_TYPE, "=", "")
FAILED = OPERATIONS.count.where(names.ERROR_TYPE, "!=", "")
TOKENS = _of(metrics.GEN_AI_CLIENT_TOKEN_USAGE).sum
WRITTEN = TOKENS.where(names.GEN_AI_TOKEN_TYPE, "=", names.GenAiTokenType.OUTPUT)
COST = _by_user(metrics.ML_GEN_AI_CLIENT_OPERATION_COST, *CHOSEN)
CONVERSATION = _by_user(metrics.ML_GEN_AI_CONVERSATION_COST, CHOSEN[0])
TURNS = _by_user(metrics.ML_GEN_AI_CONVERSATION_TURNS, CHOSEN[0])
TOOLS = Series(metrics.GEN_AI_EXECUTE_TOOL_DURATION).count.where(names.ERROR_TYPE, "!=", "")
GAP = _of(metrics.ML_GEN_AI_CLIENT_CHUNK_GAP).where(
    names.ML_GEN_AI_CHUNK_GAP_STATISTIC, "=", names.GenAiChunkGapStatistic.MAX
)


def _percentiles(series: Series, *keys: str) -> tuple[Query, ...]:
    return tuple(Query(quantile(it, series, *keys), f"p{it * 100:g} {legend(*keys)}") for it in (0.5, 0.95))


BOARD = Board(
    "otelml-llm",
    "LLM cost and latency",
    "What LLM calls cost, how long they take, and what fails.",
    (
        Variable("provider", "Provider", Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION).count, PROVIDER),
        Variable("model", "Model", Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION).count, MODEL),
        # Costs and conversations have these where OTELML_METRIC_ATTRIBUTES names them.
        Variable("persona", "Persona", Series(metrics.ML_GEN_AI_CLIENT_OPERATION_COST).count, PERSONA),
        Variable("query_type", "Query type", Series(metrics.ML_GEN_AI_CLIENT_OPERATION_COST).count, QUERY_TYPE),
    ),
    (
        (
            "Operations",
            (
                Panel(
                    "Operations",
                    "stacked",
                    "reqps",
                    (Query(rate(OPERATIONS.count, WINDOW, *OPERATION), legend(*OPERATION)),),
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
                    8,
                ),
                Panel(
                    "Time between chunks",
                    "lines",
                    "s",
                    (
                        *_percentiles(_of(metrics.GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK), MODEL),
                        Query(quantile(0.95, GAP, MODEL), f"longest gap, p95 {legend(MODEL)}"),
                    ),
                    "How smoothly an answer is written; a long gap looks like an answer that has ended.",
                    8,
                ),
                Panel(
                    "Output rate of a stream",
                    "lines",
                    "short",
                    _percentiles(_of(metrics.ML_GEN_AI_CLIENT_OUTPUT_RATE), MODEL),
                    "Output tokens a second after the first chunk, of each streamed answer.",
                    8,
                ),
                Panel(
                    "Output tokens for each second of generation",
                    "lines",
                    "short",
                    (Query(f"{rate(WRITTEN, WINDOW, MODEL)} / {rate(GOOD.sum, WINDOW, MODEL)}", legend(MODEL)),),
                    "How fast a model writes, whatever the length of its answers.",
                    24,
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
                    (Query(f"3600 * {rate(COST.sum, WINDOW, PROVIDER, MODEL)}", legend(PROVIDER, MODEL)),),
                    "US dollars an hour at the present rate.",
                    8,
                ),
                Panel(
                    "Cost of an operation",
                    "lines",
                    "currencyUSD",
                    (
                        Query(
                            f"{rate(COST.sum, WINDOW, MODEL)} / {rate(COST.count, WINDOW, MODEL)}",
                            legend(MODEL),
                        ),
                    ),
                    "The mean, of operations whose price is known.",
                    8,
                ),
                Panel(
                    "Cost an hour by kind of token",
                    "stacked",
                    "currencyUSD",
                    (
                        Query(
                            f"3600 * {rate(_by_user(metrics.ML_GEN_AI_CLIENT_TOKEN_COSTS, *CHOSEN), WINDOW, PART)}",
                            legend(PART),
                        ),
                    ),
                    "What the prompts, what the answers, and what the provider's cache costs.",
                    8,
                ),
                Panel(
                    "Tokens of special kinds",
                    "stacked",
                    "short",
                    (
                        Query(
                            rate(_of(metrics.ML_GEN_AI_CLIENT_TOKEN_DETAILS), WINDOW, MODEL, DETAIL),
                            legend(MODEL, DETAIL),
                        ),
                    ),
                    "A second: read from the provider's cache, written to it, spent on reasoning.",
                    8,
                ),
                Panel(
                    "Operations of unknown price or size",
                    "lines",
                    "reqps",
                    (
                        Query(
                            rate(_by_user(metrics.ML_GEN_AI_CLIENT_UNPRICED_OPERATIONS, *CHOSEN), WINDOW, MODEL),
                            f"no price {legend(MODEL)}",
                        ),
                        Query(
                            rate(_of(metrics.ML_GEN_AI_CLIENT_UNMETERED_OPERATIONS), WINDOW, MODEL, STATUS),
                            f"tokens {legend(STATUS, MODEL)}",
                        ),
                    ),
                    "The cost above is without these: give the model a price, and have streams report their usage.",
                    8,
                ),
                Panel(
                    "Tokens counted here",
                    "stacked",
                    "short",
                    (
                        Query(
                            rate(
                                _of(metrics.ML_GEN_AI_CLIENT_ESTIMATED_TOKENS), WINDOW, MODEL, names.GEN_AI_TOKEN_TYPE
                            ),
                            legend(MODEL, names.GEN_AI_TOKEN_TYPE),
                        ),
                    ),
                    "A second, where the provider has reported none; they are not among the tokens above.",
                ),
                Panel(
                    "Context window in use",
                    "lines",
                    "percentunit",
                    _percentiles(_by_user(metrics.ML_GEN_AI_CONTEXT_UTILIZATION, *CHOSEN), MODEL),
                    "Near 1 an operation fails, or loses the start of the conversation.",
                ),
            ),
        ),
        (
            "By persona and query type",
            tuple(
                Panel(
                    f"Cost an hour by {what}",
                    "stacked",
                    "currencyUSD",
                    (Query(f"3600 * {rate(COST.sum, WINDOW, key)}", legend(key)),),
                    f"Needs {key} in OTELML_METRIC_ATTRIBUTES of the program.",
                )
                for what, key in (("persona", PERSONA), ("query type", QUERY_TYPE))
            ),
        ),
        (
            "Tools, agents and workflows",
            (
                _each(
                    "Duration of tools",
                    metrics.GEN_AI_EXECUTE_TOOL_DURATION,
                    names.GEN_AI_TOOL_NAME,
                    "One call of a tool in twenty takes longer; the model waits for it, and so does the user.",
                ),
                Panel(
                    "Failing tools",
                    "stacked",
                    "reqps",
                    (
                        Query(
                            rate(TOOLS, WINDOW, names.GEN_AI_TOOL_NAME, names.ERROR_TYPE),
                            legend(names.GEN_AI_TOOL_NAME, names.ERROR_TYPE),
                        ),
                    ),
                    "Calls a second that failed; models often answer something all the same.",
                    16,
                ),
                _each(
                    "Duration of agents",
                    metrics.GEN_AI_INVOKE_AGENT_DURATION,
                    names.GEN_AI_AGENT_NAME,
                    "From the request to the last answer.",
                ),
                _each(
                    "Duration of workflows",
                    metrics.GEN_AI_INVOKE_WORKFLOW_DURATION,
                    names.GEN_AI_WORKFLOW_NAME,
                    "Several operations, tools or agents that belong together.",
                ),
                _each(
                    "Duration of MCP requests",
                    metrics.MCP_CLIENT_OPERATION_DURATION,
                    names.MCP_METHOD_NAME,
                    "Of clients of the Model Context Protocol, by method.",
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
