from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import Histogram, UpDownCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.trace import SpanKind, StatusCode

from otelml.semconv import SCHEMA_URL
from otelml.semconv import attributes as names
from otelml.semconv.metrics import ML_INFERENCE_ACTIVE, ML_INFERENCE_CALLS, ML_TELEMETRY_FAULTS, ML_TRAINING_TIME
from otelml.viewer.livecheck import RULES, Finding, LiveCheck
from tests.support import samples
from tests.support.samples import CALL, CALL_POINT, EXCEPTION, TASK, without
from tests.support.telemetry import Telemetry

FIT_TIME = {**CALL, names.ML_TRAINING_PHASE: names.TrainingPhase.FIT}

# The arguments of the emitting function, the finding, and the attribute that it is about.
SPANS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"attributes": {names.ML_MODEL_NAME: "churn"}}, "missing_span", None),
    ({"attributes": {**TASK, "shop.name": "a"}}, "missing_attribute", "shop.name"),
    ({"attributes": {**TASK, names.ML_DRIFT_METHOD: "psi"}}, "unexpected_attribute", names.ML_DRIFT_METHOD),
    ({"attributes": {**TASK, "shop": "a"}}, "missing_namespace", "shop"),
    ({"attributes": {**TASK, "shop.Name": "a"}}, "invalid_format", "shop.Name"),
    ({"attributes": {**TASK, "ml.model.name.short": "a"}}, "illegal_namespace", "ml.model.name.short"),
    ({"attributes": {**TASK, names.ML_MODEL_VERSION: 3}}, "type_mismatch", names.ML_MODEL_VERSION),
    ({"attributes": {**TASK, names.ML_MODEL_VERSION: ["3"]}}, "type_mismatch", names.ML_MODEL_VERSION),
    ({"attributes": {**TASK, names.ML_SYSTEM_NAME: True}}, "type_mismatch", names.ML_SYSTEM_NAME),
    ({"attributes": {**TASK, names.ML_SYSTEM_NAME: "river"}}, "undefined_enum_variant", names.ML_SYSTEM_NAME),
    ({"attributes": without(TASK, names.ML_SYSTEM_NAME)}, "required_attribute_not_present", names.ML_SYSTEM_NAME),
    (
        {"attributes": without(TASK, names.ML_MODEL_VERSION)},
        "recommended_attribute_not_present",
        names.ML_MODEL_VERSION,
    ),
    ({"status": StatusCode.ERROR}, "conditionally_required_attribute_not_present", names.ERROR_TYPE),
    ({"attributes": {**TASK, names.ERROR_TYPE: "ValueError"}}, "unexpected_span_status", names.ERROR_TYPE),
    ({"status": StatusCode.OK}, "unexpected_span_status", None),
    ({"name": "churn.fit"}, "unexpected_span_name", None),
    ({"kind": SpanKind.SERVER}, "unexpected_span_kind", None),
    ({"event": "exception"}, "missing_event", None),
    ({"schema_url": ""}, "schema_url_mismatch", None),
    ({"schema_url": SCHEMA_URL + "1"}, "schema_url_mismatch", None),
]
METRICS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"metric": ML_INFERENCE_CALLS._replace(name="ml.calls")}, "missing_metric", None),
    ({"metric": ML_INFERENCE_CALLS._replace(name="ml.calls__total")}, "invalid_format", None),
    ({"metric": ML_INFERENCE_CALLS._replace(unit="1")}, "unit_mismatch", None),
    ({"metric": ML_INFERENCE_ACTIVE}, "unexpected_instrument", None),
    ({"attributes": {**CALL_POINT, "shop.name": "a"}}, "missing_attribute", "shop.name"),
    ({"attributes": {**CALL_POINT, names.ML_DRIFT_METHOD: "psi"}}, "unexpected_attribute", names.ML_DRIFT_METHOD),
    ({"attributes": {**CALL_POINT, names.ML_SYSTEM_NAME: 1.5}}, "type_mismatch", names.ML_SYSTEM_NAME),
    (
        {"attributes": {names.ERROR_TYPE: "a"}, "metric": ML_TELEMETRY_FAULTS},
        "required_attribute_not_present",
        names.ML_TELEMETRY_SITE,
    ),
    (
        {"attributes": {**FIT_TIME, names.ML_TRAINING_RUN_ID: "r"}, "metric": ML_TRAINING_TIME},
        "opt_in_attribute_present",
        names.ML_TRAINING_RUN_ID,
    ),
]
EVENTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"name": "ml.nothing"}, "missing_event", None),
    ({"severity": SeverityNumber.INFO}, "unexpected_severity", None),
    ({"attributes": {**EXCEPTION, "shop.name": "a"}}, "missing_attribute", "shop.name"),
    ({"attributes": without(EXCEPTION, names.ML_SYSTEM_NAME)}, "required_attribute_not_present", names.ML_SYSTEM_NAME),
    (
        {"attributes": without(EXCEPTION, names.EXCEPTION_TYPE, names.EXCEPTION_MESSAGE)},
        "conditionally_required_attribute_not_present",
        names.EXCEPTION_TYPE,
    ),
]
FAULTS = [
    *((samples.emit_span, *row) for row in SPANS),
    *((samples.count_call, *row) for row in METRICS),
    *((samples.emit_event, *row) for row in EVENTS),
]


@pytest.fixture
def unchecked() -> Iterator[Telemetry]:
    """Telemetry whose faults are the point of the test."""
    telemetry = Telemetry()
    yield telemetry
    telemetry.close()


def found(telemetry: Telemetry, **options: Any) -> list[Finding]:
    """What a live check with these options finds."""
    check = LiveCheck(**options)
    return [finding for request in telemetry.requests() for finding in check.check(request)]


@pytest.mark.parametrize(("emit", "arguments", "finding_id", "attribute"), FAULTS)
def test_fault_is_found(
    unchecked: Telemetry, emit: Callable[..., None], arguments: dict[str, Any], finding_id: str, attribute: str | None
) -> None:
    """Each kind of fault in otherwise right telemetry is found under its id, and said to be of the right attribute."""
    emit(unchecked, **arguments)
    assert attribute in [it.attribute for it in found(unchecked) if it.id == finding_id]


def test_every_rule_has_a_fault() -> None:
    """No rule exists without a test that breaks it."""
    tested = {finding_id for _, _, finding_id, _ in FAULTS} | {"unexpected_temporality"}
    assert tested == {rule.id for rule in RULES}


def test_right_telemetry_has_no_finding(unchecked: Telemetry) -> None:
    """Complete spans, counters, both kinds of histogram, gauges and events are found to be right."""
    samples.emit_span(unchecked)
    samples.emit_span(unchecked, {**TASK, names.ERROR_TYPE: "ValueError"}, status=StatusCode.ERROR)
    samples.count_call(unchecked, {**CALL_POINT, names.ML_ROLLOUT_VARIANT: names.RolloutVariant.CANDIDATE})
    samples.record_duration(unchecked, {**CALL_POINT, names.ML_ROLLOUT_VARIANT: names.RolloutVariant.CANDIDATE})
    samples.set_recorded_share(unchecked)
    samples.emit_event(unchecked)
    assert found(unchecked) == []
    assert len(unchecked.spans) == 2
    assert len(unchecked.metrics) == 3
    assert len(unchecked.events) == 1


def test_exponential_histogram_is_a_histogram() -> None:
    """A view that changes the buckets to exponential ones does not change the instrument."""
    telemetry = Telemetry(views=[View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())])
    samples.record_duration(telemetry)
    assert {it.level for it in found(telemetry)} <= {"information"}
    telemetry.close()


def test_delta_counters_are_right_and_delta_levels_are_not() -> None:
    """Delta temporality is accepted for a histogram and refused for an updowncounter."""
    telemetry = Telemetry(
        temporality={Histogram: AggregationTemporality.DELTA, UpDownCounter: AggregationTemporality.DELTA}
    )
    samples.record_duration(telemetry)
    samples.add_active(telemetry)
    assert [it.signal_name for it in found(telemetry) if it.id == "unexpected_temporality"] == [
        ML_INFERENCE_ACTIVE.name
    ]
    telemetry.close()


def test_missing_temporality_is_found(unchecked: Telemetry) -> None:
    """A sum without temporality, which no SDK sends but a processor may, is refused."""
    samples.count_call(unchecked)
    request = next(it for it in unchecked.requests() if isinstance(it, ExportMetricsServiceRequest))
    request.resource_metrics[0].scope_metrics[0].metrics[0].sum.ClearField("aggregation_temporality")
    assert "unexpected_temporality" in {it.id for it in LiveCheck().check(request)}


@pytest.mark.parametrize(
    ("attributes", "kind", "span_type"),
    [
        (CALL, SpanKind.INTERNAL, "ml.inference.internal"),
        (CALL, SpanKind.CLIENT, "ml.inference.client"),
        ({**CALL, names.ML_OPERATION_NAME: "fit"}, SpanKind.INTERNAL, "ml.training.internal"),
        (TASK, SpanKind.INTERNAL, "ml.training.task.internal"),
        ({**TASK, names.ML_OPERATION_NAME: "prune"}, SpanKind.INTERNAL, "ml.training.task.internal"),
        ({names.GEN_AI_OPERATION_NAME: "chat"}, SpanKind.CLIENT, "ml.gen_ai.inference.client"),
    ],
)
def test_span_type_follows_from_operation_and_kind(
    unchecked: Telemetry, attributes: dict[str, Any], kind: SpanKind, span_type: str
) -> None:
    """The type of a span, which is not on the wire, is told by its operation, its kind and a telling attribute."""
    samples.emit_span(unchecked, attributes, kind=kind)
    check = LiveCheck()
    for request in unchecked.requests():
        check.check(request)
    assert check.seen == {("span", span_type)}


def test_custom_operation_is_no_violation(unchecked: Telemetry) -> None:
    """An operation name of the application's own is only information, and the span is checked all the same."""
    samples.emit_span(unchecked, {**TASK, names.ML_OPERATION_NAME: "prune"}, name="prune churn")
    assert [(it.id, it.level) for it in found(unchecked)] == [("undefined_enum_variant", "information")]


def test_condition_that_does_not_hold_is_no_finding(unchecked: Telemetry) -> None:
    """Of two attributes that replace each other, one is enough."""
    samples.emit_event(unchecked, without(EXCEPTION, names.EXCEPTION_MESSAGE))
    assert found(unchecked) == []


def test_condition_that_holds_is_a_violation(unchecked: Telemetry) -> None:
    """An absent attribute is a violation where the condition can be checked, and information where it cannot."""
    samples.emit_span(unchecked, without(TASK, names.ML_MODEL_NAME), name="fit", status=StatusCode.ERROR)
    assert {(it.attribute, it.level) for it in found(unchecked)} == {
        (names.ERROR_TYPE, "violation"),
        (names.ML_MODEL_NAME, "information"),
    }


def test_allowed_attributes_are_not_reported(unchecked: Telemetry) -> None:
    """The caller's attributes may be allowed by name or by pattern, on top of the declared ones."""
    samples.emit_span(unchecked, {**TASK, "shop": "a", "tenant.id": 7})
    assert found(unchecked, allow=["shop", "tenant.*"]) == []
    assert {it.attribute for it in found(unchecked, allow=["shop"])} == {"tenant.id"}


def test_other_scopes_are_ignored_unless_asked_for(unchecked: Telemetry) -> None:
    """Of other libraries' telemetry only known attributes and metrics are checked, and only on request."""
    wrong = {names.GEN_AI_OPERATION_NAME: True, "http.route": "/"}
    samples.emit_span(unchecked, wrong, scope="openai", schema_url="")
    samples.emit_event(unchecked, wrong, scope="openai")
    samples.count_call(unchecked, {**CALL, "x": 1}, metric=ML_INFERENCE_CALLS._replace(unit="1"), scope="openai")
    assert found(unchecked) == []
    assert {(it.id, it.signal_kind) for it in found(unchecked, all_scopes=True)} == {
        ("type_mismatch", "event"),
        ("type_mismatch", "span"),
        ("unit_mismatch", "metric"),
    }


def test_log_lines_are_no_events(unchecked: Telemetry) -> None:
    """A line of our own log that is exported needs no declaration."""
    samples.emit_event(unchecked, {"code.line": 1}, name=None)
    assert found(unchecked) == []


def test_not_otlp_is_refused() -> None:
    """A message that is no export request is the caller's mistake."""
    with pytest.raises(TypeError, match="ScopeMetrics"):
        LiveCheck().check(ExportMetricsServiceRequest().resource_metrics.add().scope_metrics.add())
