"""The Collector configs that are shipped: valid, documented, and with names that the registry has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import collector_check
import pytest
import yaml
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

import otelml.semconv
from otelml.semconv import attributes
from tests.backends.running import CONFIGS

ROOT = CONFIGS.parents[1]
EXPORTERS = sorted((CONFIGS / "exporters").glob("*.yaml"))
PAGE = (ROOT / "docs" / "collector.md").read_text()
MANIFESTS = [*ROOT.glob("collector-config/compose*/**/*.y*ml"), *ROOT.glob("collector-config/kubernetes/**/*.yaml")]

BACKENDS = (
    "prometheus mimir grafana-cloud tempo jaeger datadog newrelic honeycomb elastic dynatrace splunk google-cloud aws "
    "azure clickhouse phoenix mlflow langfuse victoriametrics"
).split()

# Of the GenAI convention, recorded by servers; the registry has those that clients record.
UPSTREAM_METRICS = {
    gen_ai_metrics.GEN_AI_SERVER_REQUEST_DURATION,
    gen_ai_metrics.GEN_AI_SERVER_TIME_PER_OUTPUT_TOKEN,
    gen_ai_metrics.GEN_AI_SERVER_TIME_TO_FIRST_TOKEN,
}

CONTENT = {
    attributes.GEN_AI_INPUT_MESSAGES,
    attributes.GEN_AI_OUTPUT_MESSAGES,
    attributes.GEN_AI_PROMPT_VARIABLE,
    attributes.GEN_AI_RETRIEVAL_DOCUMENTS,
    attributes.GEN_AI_RETRIEVAL_QUERY_TEXT,
    attributes.GEN_AI_SYSTEM_INSTRUCTIONS,
    attributes.GEN_AI_TOOL_CALL_ARGUMENTS,
    attributes.GEN_AI_TOOL_CALL_RESULT,
    attributes.GEN_AI_TOOL_DEFINITIONS,
}
"""What the convention's attributes hold of the words of users and models."""

OTHERS_CONTENT = [
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.prompt.0.content",
    "gen_ai.completion.1.tool_calls.0.arguments",
    "gen_ai.prompt.variable.name",
    "input.value",
    "output.value",
    "llm.input_messages.0.message.content",
    "llm.output_messages",
    "llm.prompts",
    "retrieval.documents.0.document.content",
    "traceloop.entity.input",
    "ai.prompt.messages",
    "ai.response.text",
    "ai.toolCall.args",
]


def name(path: Path) -> str:
    """A config as it is called in this test."""
    return path.stem


def registry() -> dict[str, dict[str, object]]:
    """The resolved registry."""
    found: dict[str, dict[str, object]] = json.loads(
        (Path(otelml.semconv.__file__).parent / "resolved.json").read_text()
    )
    return found


@pytest.mark.parametrize(
    "files",
    [
        [CONFIGS / "gateway.yaml"],
        [CONFIGS / "agent.yaml"],
        [CONFIGS / "gateway.yaml", CONFIGS / "scrape" / "model-servers.yaml"],
        *([CONFIGS / "gateway.yaml", file] for file in EXPORTERS),
        [CONFIGS / "gateway.yaml", *EXPORTERS],
    ],
    ids=lambda files: files[-1].stem if len(files) < len(EXPORTERS) else "all",
)
def test_every_combination_is_valid(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The Collector takes each config, each backend alone and all of them together."""
    collector = collector_check.find_collector()
    if collector is None:
        pytest.skip("no Collector here: `make collector` builds one")
    for variable, default, _, _ in collector_check.Combination(files).variables():
        if default is None:
            values = {"URL": "http://example.test", "ENDPOINT": "example.test:4317"}
            monkeypatch.setenv(variable, values.get(variable.rpartition("_")[2], "example"))
    assert [str(problem) for problem in collector_check.check(files, collector)] == []


def test_there_is_a_file_for_each_backend() -> None:
    """Every backend that the page promises has its exporter file, and every file is on the page."""
    assert {name(file) for file in EXPORTERS} >= set(BACKENDS)
    assert [name(file) for file in EXPORTERS if f"`{name(file)}.yaml`" not in PAGE] == []


@pytest.mark.parametrize("file", EXPORTERS, ids=name)
def test_variables_are_explained(file: Path) -> None:
    """Each variable without a default is explained where the file begins, and no secret has a default."""
    text = file.read_text()
    head = text[: text.index("\n", text.rindex("\n#") + 1)] if "\n#" in text else text
    for variable, default, _, _ in collector_check.Combination([file]).variables():
        if default is None:
            assert re.search(rf"^#.*\b{variable}\b", head, re.MULTILINE), f"{file.name} does not explain {variable}"
        if re.search(r"KEY|TOKEN|PASSWORD|AUTH", variable):
            assert default in (None, "none")


@pytest.mark.parametrize("file", EXPORTERS, ids=name)
def test_nothing_is_lost_while_a_backend_is_down(file: Path) -> None:
    """Every exporter that has a queue keeps it on disk and bounded, and tries again for as long as the queue lasts."""
    exporters = yaml.safe_load(file.read_text()).get("exporters", {})
    # Scraped, or with retries of its own.
    without_queue = {"prometheus", "awsxray", "awsemf", "debug"}
    # Their client libraries try again.
    without_retry = {
        "googlecloud",
        "googlemanagedprometheus",
        "awscloudwatchlogs",
        "azuremonitor",
    }
    for exporter, settings in exporters.items():
        if exporter not in without_queue:
            queue = settings["sending_queue"]
            assert queue["storage"] == "${env:QUEUE_STORAGE:-file_storage/queue}"
            assert (queue["sizer"], queue["queue_size"]) == ("bytes", "${env:QUEUE_BYTES:-268435456}")
        if exporter not in without_queue | without_retry:
            assert settings["retry_on_failure"] == {"max_elapsed_time": "0s"}


def test_names_are_those_of_the_registry() -> None:
    """Every attribute, metric and event of the convention that a config names exists."""
    known = registry()
    names = set(known["attributes"]) | set(known["metrics"]) | set(known["events"]) | UPSTREAM_METRICS
    found = set()
    for file in [*CONFIGS.rglob("*.yaml"), *MANIFESTS]:
        code = re.sub(r"(^|\s)#.*", "", file.read_text(), flags=re.MULTILINE)
        found |= set(re.findall(r"(?<![\w./-])(?:ml|gen_ai)\.[a-z][a-z0-9_.]*[a-z0-9]", code))
    assert attributes.ML_OPERATION_NAME in found
    assert found - names == set()


def test_content_and_nothing_else_is_redacted() -> None:
    """The gateway removes the attributes with content, of this convention and of others, and no other ones."""
    gateway = yaml.safe_load((CONFIGS / "gateway.yaml").read_text())
    (statement,) = gateway["processors"]["transform/redact_content"]["trace_statements"][0]["statements"]
    pattern = re.compile(re.fullmatch(r'delete_matching_keys\(attributes, "(.+)"\)', statement)[1])  # type: ignore[index]
    assert {key for key in registry()["attributes"] if pattern.search(key)} == CONTENT
    assert [key for key in OTHERS_CONTENT if not pattern.search(key)] == []
    for signal in ("trace_statements", "log_statements"):
        groups = gateway["processors"]["transform/redact_content"][signal]
        assert statement in [it for group in groups for it in group["statements"]]


def test_every_pipeline_is_limited_and_redacted() -> None:
    """What comes in passes the memory limiter first, spans and events the redaction too; only spans are sampled."""
    gateway = yaml.safe_load((CONFIGS / "gateway.yaml").read_text())
    for pipeline in gateway["service"]["pipelines"].values():
        if "otlp" in pipeline["receivers"]:
            assert pipeline["processors"][0] == "memory_limiter"
    pipelines = gateway["service"]["pipelines"]
    assert "transform/redact_content" in pipelines["traces"]["processors"]
    assert "transform/redact_content" in pipelines["logs"]["processors"]
    assert "tail_sampling" not in pipelines["metrics"]["processors"] + pipelines["logs"]["processors"]
