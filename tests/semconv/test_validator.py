"""Each fault of the registry is found, at the right place, with a hint that fits."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from validate import validate

from tests.semconv.registry_copies import REPOSITORY, copy_registry, replace_once


class Fault(NamedTuple):
    """A change to a correct registry, and the complaint it must cause."""

    id: str
    file: str
    old: str
    new: str
    complaint: str


INFERENCE_METRICS = "model/ml/inference/metrics.yaml"
INFERENCE_REGISTRY = "model/ml/inference/registry.yaml"
INFERENCE_SPANS = "model/ml/inference/spans.yaml"
COMMON = "model/ml/common/registry.yaml"
GROUPS = "model/ml/common/groups.yaml"
TRAINING_METRICS = "model/ml/training/metrics.yaml"
TRAINING_SPANS = "model/ml/training/spans.yaml"
EVENTS = "model/ml/common/events.yaml"
MODE = "      - ref_group: attributes.ml.inference.use\n"


def new_attribute(key: str, kind: str = "string", examples: str = "[a]") -> str:
    """Write the definition of one more attribute, ready to be put before the first."""
    return (
        f"attributes:\n  - key: {key}\n    type: {kind}\n    stability: development\n    brief: An attribute.\n"
        f"    examples: {examples}\n    annotations:\n      cardinality: low\n"
    )


def on_calls(key: str, level: str = "recommended") -> str:
    """Refer to an attribute from the first metric of the inference area."""
    return f"{MODE}      - {{ref: {key}, requirement_level: {level}}}\n"


SHAPE = [
    Fault("not-yaml", COMMON, "attributes:", "attributes: [", f"{COMMON}: file: is not valid YAML"),
    Fault("duplicate-key", COMMON, "    stability:", "    brief: Twice.\n    stability:", "brief is written twice"),
    Fault("file-format", COMMON, "definition/2", "definition/1", "must start with `file_format: definition/2`"),
    Fault("root-key", COMMON, "attributes:", "groups:", "groups: is not a root key the generator knows; use one of"),
    Fault(
        "missing-key", INFERENCE_METRICS, "    unit: '{call}'\n", "", "ml.inference.calls: `unit` is missing; add it"
    ),
    Fault("unknown-key", INFERENCE_METRICS, "    unit:", "    units: s\n    unit:", "`units` is not allowed here"),
    Fault("no-name", INFERENCE_METRICS, "name: ml.inference.calls", "nom: x", "has an entry without `name`; add it"),
    Fault("brief-period", INFERENCE_METRICS, "inference calls.", "inference calls", "brief must end with a period"),
    Fault(
        "member-brief-period", COMMON, "brief: scikit-learn.", "brief: scikit-learn", "'scikit_learn': brief must end"
    ),
    Fault("empty-note", COMMON, "note: The unqualified", "note: ''  #", "`note` must be a non-empty"),
    Fault("stability", INFERENCE_METRICS, "development", "experimental", "stability 'experimental' is unknown"),
    Fault(
        "signal-level", INFERENCE_METRICS, "requirement_level: recommended", "requirement_level: required", "level of"
    ),
    Fault("level", GROUPS, "level: required", "level: mandatory", "ml.operation.name: requirement_level must be"),
    Fault("bare-condition", GROUPS, "level: required", "level: conditionally_required", "requirement_level must be"),
    Fault("no-level", GROUPS, ", requirement_level: required", "", "`requirement_level` is missing; add it"),
    Fault("instrument", INFERENCE_METRICS, "instrument: counter", "instrument: timer", "instrument must be one of"),
    Fault(
        "value-type", INFERENCE_METRICS, "metric_value_type: int", "metric_value_type: long", "metric_value_type must"
    ),
    Fault("no-buckets", TRAINING_METRICS, "        bucket_boundaries:", "        # ", "a histogram needs annotations"),
    Fault("bucket-order", TRAINING_METRICS, "[0.01, 0.1,", "[0.1, 0.01,", "numbers in ascending order"),
    Fault(
        "buckets-on-counter",
        INFERENCE_METRICS,
        "metric_value_type: int\n",
        "metric_value_type: int\n        bucket_boundaries: [1]\n",
        "only a histogram has",
    ),
    Fault("span-kind", INFERENCE_SPANS, "kind: internal", "kind: local", "kind must be exactly one of"),
    Fault("span-name", INFERENCE_SPANS, "note: '`", "note: '", "name.note must begin with a name pattern"),
    Fault("no-operations", INFERENCE_SPANS, "operations: [", "operation: [", "live_check.operations must list"),
    Fault("severity", EVENTS, "severity_number: 13", "severity_number: 25", "severity_number must be between 1 and 24"),
    Fault("severity-note", EVENTS, "WARN (13)", "WARN", "note must state the severity number that is annotated, (13)"),
    Fault("type", INFERENCE_REGISTRY, "type: int", "type: long", "type 'long' is unknown"),
    Fault(
        "examples", INFERENCE_REGISTRY, "    examples: [1, 32]\n", "", "ml.inference.batch.size: examples are missing"
    ),
    Fault("no-cardinality", COMMON, "cardinality: low", "cardinal: low", "annotations.cardinality must be one of"),
    Fault("member-id", COMMON, "{id: transform,", "{id: predict,", "two enum members share the id 'predict'"),
    Fault("member-value", COMMON, "value: transform,", "value: predict,", "two enum members share the value 'predict'"),
    Fault("member-type", COMMON, "value: transform,", "value: 3,", "'transform': id and value must be texts"),
    Fault("no-members", COMMON, "      members:", "      values:", "an enum type must hold `members`"),
    Fault("neither-ref", GROUPS, "- {ref: ml.operation.name", "- {attribute: x", "neither a `ref` nor a `ref_group`"),
    Fault(
        "nested-group", GROUPS, "- {ref: ml.operation.name, requirement_level: required}", "- ref_group: x", "not hold"
    ),
    Fault("visibility", GROUPS, "visibility: internal", "visibility: private", "visibility must be `internal` or"),
    Fault(
        "sampling-on-metric",
        INFERENCE_METRICS,
        MODE,
        f"{MODE}      - {{ref: ml.model.id, requirement_level: opt_in, sampling_relevant: true}}\n",
        "ml.model.id: sampling_relevant is for spans only",
    ),
    Fault("schema-host", "model/manifest.yaml", "otelml.dev/", "opentelemetry.io/", "must be a URL of this project"),
    Fault("schema-form", "model/manifest.yaml", "https://otelml.dev/", "otelml.dev/", "must read https://HOST/PATH/"),
    Fault("dependency", "model/manifest.yaml", "    registry_path:", "    path:", "must be a list of entries with"),
    Fault("pin-keys", "upstream.yaml", ", cardinality: low}", "}", "error.type: must have exactly the keys"),
    Fault("pin-registry", "upstream.yaml", "registry: core", "registry: kore", "registry 'kore' is not listed"),
    Fault("pin-version", "upstream.yaml", "schemas/1.44.0", "schemas/1.43.0", "not among the manifest's dependencies"),
    Fault("pin-level", "upstream.yaml", "gen_ai.operation.name: required", "gen_ai.operation.name: must", "'must' is"),
    Fault("planned-shape", "planned.yaml", "spans: [ml.inference.client]", "spans: ml.inference.client", "a list of"),
]

REFERENCES = [
    Fault("unknown-ref", GROUPS, "{ref: ml.system.name", "{ref: ml.sistem.name", "refers to ml.sistem.name, which is"),
    Fault("unpinned-ref", INFERENCE_SPANS, "ref: hw.type", "ref: hw.firm", "ml.inference.internal: refers to hw.firm"),
    Fault("unknown-group", INFERENCE_METRICS, MODE, "      - ref_group: attributes.ml.no\n", "refers to the group"),
    Fault(
        "two-groups", INFERENCE_METRICS, MODE, "      - ref_group: attributes.ml.call\n", "takes ml.operation.name from"
    ),
    Fault(
        "ref-twice", INFERENCE_METRICS, MODE, on_calls("ml.model.id") + on_calls("ml.model.id")[len(MODE) :], "twice"
    ),
    Fault("defined-twice", COMMON, "attributes:\n", new_attribute("ml.inference.mode"), "is also defined in model/ml/"),
    Fault(
        "signal-twice", INFERENCE_METRICS, "name: ml.inference.time", "name: ml.inference.calls", "is also defined in"
    ),
    Fault("own-and-pinned", COMMON, "attributes:\n", new_attribute("error.type"), "error.type: is defined twice"),
    Fault(
        "refinement", "model/ml-gen-ai/spans.yaml", "ref: gen_ai.inference", "ref: gen_ai.chat", "which is not pinned"
    ),
]

NAMES = [
    Fault("upper-case", COMMON, "attributes:\n", new_attribute("ml.Thing"), "ml.Thing: must be lower case"),
    Fault(
        "foreign-root", COMMON, "attributes:\n", new_attribute("gen_ai.thing"), "gen_ai.thing: must start with `ml.`"
    ),
    Fault("namespace", COMMON, "attributes:\n", new_attribute("ml.model"), "uses the attribute ml.model"),
    Fault(
        "metric-namespace",
        INFERENCE_METRICS,
        "ml.inference.calls",
        "ml.training.tasks.done",
        "metric ml.training.tasks",
    ),
    Fault(
        "constant", COMMON, "attributes:\n", new_attribute("ml.model_name"), "shares the constant ML_MODEL_NAME with"
    ),
    Fault("event-constant", EVENTS, "ml.operation.exception", "ml.drift_result", "shares the constant ML_DRIFT_RESULT"),
    Fault("member-name", COMMON, "{id: transform,", "{id: Transform,", "enum member 'Transform' must be snake_case"),
    Fault(
        "span-suffix", INFERENCE_SPANS, "ml.inference.internal", "ml.inference.local", "must end with its kind, `.inter"
    ),
    Fault("total", INFERENCE_METRICS, "ml.inference.calls", "ml.inference.calls_total", "must not end with `total`"),
    Fault("singular-counter", INFERENCE_METRICS, "ml.inference.calls", "ml.inference.call", "must be a plural"),
    Fault(
        "time-counter", INFERENCE_METRICS, "ml.inference.time\n", "ml.inference.busy\n", "which must be called `time`"
    ),
    Fault("time-gauge", TRAINING_METRICS, "name: ml.training.loss", "name: ml.training.loss.time", "is called `time`"),
    Fault(
        "duration-unit", TRAINING_METRICS, "ml.training.steps", "ml.training.other.duration", "histograms in seconds"
    ),
    Fault("plural-state", INFERENCE_METRICS, "ml.inference.active", "ml.inference.actives", "must not be a plural"),
    Fault(
        "pin-typo",
        "upstream.yaml",
        "key: gen_ai.data_source.id",
        "key: gen_ai.data_source.di",
        "source.di: is unknown to the",
    ),
]

SIGNALS = [
    Fault("unit", INFERENCE_METRICS, "unit: s", "unit: ms", "unit 'ms' is not one of 1, s, By or a word in braces"),
    Fault("unit-fraction", TRAINING_METRICS, "unit: '{loss}'", "unit: '1'", "unit `1` is for fractions"),
    Fault("unit-plural", INFERENCE_METRICS, "'{call}'", "'{calls}'", "unit '{calls}' must be singular"),
    Fault("unit-counter", INFERENCE_METRICS, "'{call}'", "'1'", "a counter counts things"),
    Fault("long-brief", INFERENCE_METRICS, "Number of inference", f"Number of {'very ' * 20}", "longer than 100"),
    Fault(
        "stability-order", INFERENCE_METRICS, "development", "stable", "is stable but its attribute ml.operation.name"
    ),
    Fault("unbounded", INFERENCE_METRICS, MODE, on_calls("ml.prediction.id", "opt_in"), "must not be on a metric"),
    Fault("high", INFERENCE_METRICS, MODE, on_calls("ml.training.run.id"), "it must be opt_in, not recommended"),
    Fault(
        "any", INFERENCE_METRICS, MODE, on_calls("gen_ai.input.messages", "opt_in"), "only spans and events may carry"
    ),
    Fault("orphan", COMMON, "attributes:\n", new_attribute("ml.thing"), "ml.thing: is used by no signal and no entity"),
    Fault(
        "unused-group",
        GROUPS,
        "attribute_groups:\n",
        "attribute_groups:\n  - id: attributes.ml.x\n    visibility: internal\n"
        "    attributes:\n      - {ref: ml.model.name, requirement_level: required}\n",
        "attributes.ml.x: is an internal group that nothing uses",
    ),
    Fault(
        "span-name-key",
        INFERENCE_SPANS,
        "`{ml.operation.name} {ml.model.name}`",
        "`{ml.slice.name}`",
        "its name refers",
    ),
    Fault(
        "operation", INFERENCE_SPANS, "operations: [predict,", "operations: [prophesy,", "prophesy is not a value of"
    ),
    Fault(
        "discriminator", TRAINING_SPANS, "discriminator: ml.training.task.type", "discriminator: ml.model.id", "must be"
    ),
    Fault("ambiguous", TRAINING_SPANS, "        discriminator: ml.training.task.type\n", "", "for the operation fit"),
    Fault("identity", "model/ml/model/entities.yaml", "level: required", "level: recommended", "identifies the entity"),
    Fault(
        "planned-unknown",
        "planned.yaml",
        "[ml.fairness.result]",
        "[ml.fairness.results]",
        "not among the declared events",
    ),
    Fault(
        "planned-twice",
        "planned.yaml",
        "[ml.fairness.result]",
        "[ml.fairness.result, ml.fairness.result]",
        "is listed twice",
    ),
    Fault("planned-date", "planned.yaml", "planned: 2027-03-31", "planned: soon", "must be a date such as 2027-03-31"),
    Fault("planned-key", "planned.yaml", "spans: [ml.inf", "span: [ml.inf", "`span` is not allowed here"),
]


@pytest.mark.parametrize("fault", [*SHAPE, *REFERENCES, *NAMES, *SIGNALS], ids=lambda fault: fault.id)
def test_fault_is_found(fault: Fault, tmp_path: Path) -> None:
    """A spoilt registry is refused with the complaint that belongs to the fault."""
    root = copy_registry(tmp_path)
    replace_once(root / fault.file, fault.old, fault.new)

    _, problems = validate(root)

    assert any(fault.complaint in str(problem) for problem in problems), problems


def test_registry_is_valid() -> None:
    """The registry as committed has no fault."""
    registry, problems = validate(REPOSITORY / "semconv")

    assert problems == []
    assert registry is not None


def test_problem_names_file_and_item(tmp_path: Path) -> None:
    """A complaint begins with the file and the item, so that the place to correct is known."""
    root = copy_registry(tmp_path)
    replace_once(root / INFERENCE_METRICS, "unit: s", "unit: ms")

    _, (problem,) = validate(root)

    assert str(problem).startswith(f"{INFERENCE_METRICS}: ml.inference.time: unit 'ms'")


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A registry without its list of planned signals is refused, not read as if the list were empty."""
    root = copy_registry(tmp_path)
    (root / "planned.yaml").unlink()

    _, problems = validate(root)

    assert [str(problem) for problem in problems] == ["planned.yaml: file: is missing; create it"]
