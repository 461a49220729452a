"""Scores customers in a batch; run under `opentelemetry-instrument`, it has no telemetry code for its model.

Its own spans are a parent of the calls, so that durations get exemplars, and one that carries the content of a chat.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import joblib
import pandas as pd
from opentelemetry import trace
from opentelemetry._logs import get_logger

from otelml.semconv import attributes, events

FOLDER = Path(sys.argv[1])
BATCH = 20
SECRET = "my card is 4242 4242 4242 4242"


def main() -> None:
    """Score all customers in batches, and one batch that the model can't take."""
    model = joblib.load(FOLDER / "churn.joblib")
    customers = [json.loads(line) for line in (FOLDER / "held_out.jsonl").read_text().splitlines()][: 5 * BATCH]
    tracer = trace.get_tracer("scorer")
    with tracer.start_as_current_span("score"):
        for start in range(0, len(customers), BATCH):
            model.predict_proba(pd.DataFrame(customers[start : start + BATCH]))
        with contextlib.suppress(KeyError, ValueError):
            model.predict_proba(pd.DataFrame(customers[:1]).drop(columns="contract"))
    with tracer.start_as_current_span("chat") as span:
        span.set_attribute(attributes.GEN_AI_OPERATION_NAME, "chat")
        span.set_attribute(attributes.GEN_AI_REQUEST_MODEL, "small")
        span.set_attribute(attributes.GEN_AI_INPUT_MESSAGES, SECRET)
        get_logger("scorer").emit(
            event_name=events.ML_GEN_AI_SAFETY_FINDING.name,
            attributes={
                attributes.ML_GEN_AI_SAFETY_CATEGORY: "pii",
                attributes.ML_GEN_AI_SAFETY_ACTION: "flag",
                attributes.ML_GEN_AI_SAFETY_TARGET: "input",
                attributes.GEN_AI_OUTPUT_MESSAGES: SECRET,
            },
        )


if __name__ == "__main__":
    main()
