"""Operations, as an instrumentation uses them: without any library."""

from __future__ import annotations

import time

from opentelemetry.context import get_current

from otelml.observations import ModelIdentity, Outputs
from otelml.semconv import attributes as names
from otelml.telemetry import Telemetry as Handler
from tests.support.telemetry import Telemetry


def test_tasks_have_spans_below_their_fit(telemetry: Telemetry) -> None:
    """A step that has ended inside a fit is a span of its own, named like the fit and told by type and name."""
    handler = Handler("otelml.instrumentation.test", **telemetry.providers)
    model = ModelIdentity("churn", names.SystemName.SCIKIT_LEARN, version="3")
    target = handler.target(model, names.OperationName.FIT, "fit", "shop.Churn.fit", {}, labelled=False)
    operation = handler.start(target, get_current())
    operation.open_span(100, 19)
    began = time.time_ns()
    operation.task_span(names.TrainingTaskType.STEP, "scaler", began)
    operation.record(operation.elapsed(), Outputs(100))
    operation.close()
    step, fit = telemetry.spans
    assert (step.name, step.parent_id, step.start) == ("fit churn", fit.span_id, began)
    assert step.attributes[names.ML_TRAINING_TASK_TYPE] == "step"
    assert step.attributes[names.ML_TRAINING_TASK_NAME] == "scaler"
    assert fit.attributes[names.ML_DATASET_SAMPLE_COUNT] == 100
    assert fit.attributes[names.ML_INPUT_FEATURE_COUNT] == 19
