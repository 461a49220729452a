"""Everything at a glance: objectives, alerts, traffic, drift, training, LLM cost."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, legend, model_variables, of_model, quantile
from otelml.rules import slo
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = names.ML_MODEL_NAME
CALLS = of_model(metrics.ML_INFERENCE_CALLS)
FAILED = CALLS.where(names.ERROR_TYPE, "!=", "")
DRIFTED = of_model(metrics.ML_DRIFT_STATUS).where(names.ML_DRIFT_STATE, "=", names.DriftState.DRIFTED)
CHECK = (MODEL, names.ML_DRIFT_TYPE, names.ML_FEATURE_NAME)
COST = Series(metrics.ML_GEN_AI_CLIENT_OPERATION_COST).sum

BURN = f'{slo.ERRORS}{{window="{slo.SHOWN}"}} / on(slo) group_left() (1 - {slo.OBJECTIVE})'

BOARD = Board(
    "otelml-overview",
    "ML overview",
    "Objectives and alerts first; below, one line for each part, whose own dashboard has the details.",
    model_variables(metrics.ML_INFERENCE_CALLS),
    (
        (
            "Objectives",
            (
                Panel(
                    "Error budget left",
                    "bars",
                    "percentunit",
                    (Query(f"clamp_min({slo.BUDGET}, -1)", "{{slo}}"),),
                    "Share of the period's error budget that is left; below 0 the objective is missed. Cut at -100%.",
                ),
                Panel(
                    "Burn rate of the last hour",
                    "lines",
                    "none",
                    (Query(BURN, "{{slo}}"),),
                    "How many times faster than allowed the budget is spent; 1 uses it up exactly by the period's end.",
                ),
                Panel(
                    "Firing alerts",
                    "stacked",
                    "none",
                    (Query('sum by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}"),),
                    "Alerts of the rules in collector-config/prometheus that fire.",
                    24,
                ),
            ),
        ),
        (
            "Models",
            (
                Panel(
                    "Calls",
                    "stacked",
                    "reqps",
                    (Query(rate(CALLS, WINDOW, MODEL), legend(MODEL)),),
                    "Inference calls a second; every call is counted.",
                    8,
                ),
                Panel(
                    "Failing calls",
                    "lines",
                    "percentunit",
                    (Query(f"{rate(FAILED, WINDOW, MODEL)} / {rate(CALLS, WINDOW, MODEL)}", legend(MODEL)),),
                    "Share of the calls that ended in an exception.",
                    8,
                ),
                Panel(
                    "Duration, 95th percentile",
                    "lines",
                    "s",
                    (Query(quantile(0.95, of_model(metrics.ML_INFERENCE_DURATION), MODEL), legend(MODEL)),),
                    "One call in twenty takes longer.",
                    8,
                ),
                Panel(
                    "Drifted features",
                    "lines",
                    "none",
                    (Query(f"sum by ({labels(MODEL)}) (max by ({labels(*CHECK)}) ({DRIFTED}))", legend(MODEL)),),
                    "Number of checks that report drift on any replica.",
                    8,
                ),
                Panel(
                    "Training runs",
                    "bars",
                    "none",
                    (Query(f"sum by ({labels(MODEL)}) ({of_model(metrics.ML_TRAINING_RUNS)})", legend(MODEL)),),
                    "Training runs and calls of fit, since their processes started.",
                    8,
                ),
                Panel(
                    "LLM cost",
                    "stacked",
                    "currencyUSD",
                    (
                        Query(
                            f"3600 * {rate(COST, WINDOW, names.GEN_AI_REQUEST_MODEL)}",
                            legend(names.GEN_AI_REQUEST_MODEL),
                        ),
                    ),
                    "US dollars an hour at the present rate.",
                    8,
                ),
            ),
        ),
    ),
)
