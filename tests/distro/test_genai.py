"""The composition of what is done about GenAI calls, in programs of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import otelml
from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from tests.e2e.programs import NOTHING_EXPORTED, environment, run
from tests.support.endpoint import OtlpEndpoint

COST, TURNS = metrics.ML_GEN_AI_CLIENT_OPERATION_COST.name, metrics.ML_GEN_AI_CONVERSATION_TURNS.name
RESULT = events.ML_GEN_AI_CONVERSATION_RESULT.name

CALL = """
def call(name="chat gpt"):
    from opentelemetry import trace
    trace.get_tracer("vendor").start_span(name, attributes={
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt",
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10,
    }).end()
"""
"""What another instrumentation does."""


@pytest.fixture
def table(tmp_path: Path) -> str:
    """A price table."""
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"models": {"gpt": {"input": 2.0, "output": 8.0}}}))
    return str(file)


def reasons(endpoint: OtlpEndpoint) -> list[tuple[object, object]]:
    """The conversations that were reported, and why they ended."""
    return sorted(
        (it.attributes[names.GEN_AI_CONVERSATION_ID], it.attributes[names.ML_GEN_AI_CONVERSATION_END_REASON])
        for it in endpoint.events
        if it.name == RESULT
    )


@pytest.mark.parametrize("launched", [True, False], ids=["launcher", "one line"])
def test_other_instrumentations_are_enriched(otlp_endpoint: OtlpEndpoint, table: str, launched: bool) -> None:
    """Either way of switching otelml on, spans of others have a cost, and conversations are reported at the end."""
    switch_on = "" if launched else "otelml.instrument()"
    program = f"{CALL}\nimport otelml\n{switch_on}\nwith otelml.conversation('c'):\n    call()\n    call()"
    variables = {**otlp_endpoint.environment, "OTELML_PRICE_TABLE": table}
    done = run(program, env=environment(variables), launched=launched)
    assert done.stderr == ""
    costs = [it.attributes[names.ML_GEN_AI_USAGE_COST_AMOUNT] for it in otlp_endpoint.spans]
    assert costs == [pytest.approx(0.00028)] * 2
    assert {it.attributes[names.GEN_AI_CONVERSATION_ID] for it in otlp_endpoint.spans} == {"c"}
    assert otlp_endpoint.point(COST).count == 2
    assert otlp_endpoint.point(TURNS).value == 2
    assert reasons(otlp_endpoint) == [("c", "shutdown")]


def test_across_processes(otlp_endpoint: OtlpEndpoint, table: str) -> None:
    """A service that is called takes the conversation from the headers; each process reports its part under the id."""
    service = f"""
{CALL}
import json, sys, otelml
from opentelemetry.context import attach
from opentelemetry.propagate import extract
otelml.instrument()
attach(extract(json.loads(sys.argv[1])))
with otelml.conversation(query_type="order") as id_:
    call("in the service")
print(id_)
"""
    program = f"""
{CALL}
import json, subprocess, sys, otelml
from opentelemetry.propagate import inject
otelml.instrument()
with otelml.conversation(persona="new") as id_:
    call("in the front end")
    headers = {{}}
    inject(headers)
    done = subprocess.run([sys.executable, "-c", {service!r}, json.dumps(headers)], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
assert done.stdout.strip() == id_
print(id_)
"""
    variables = {**otlp_endpoint.environment, "OTELML_PRICE_TABLE": table}
    id_ = run(program, env=environment(variables)).stdout.strip()
    about = {it.name: it.attributes for it in otlp_endpoint.spans}
    assert about["in the front end"][names.GEN_AI_CONVERSATION_ID] == id_
    assert (
        about["in the service"].items()
        >= {
            names.GEN_AI_CONVERSATION_ID: id_,
            names.ML_GEN_AI_CONVERSATION_PERSONA: "new",
            names.ML_GEN_AI_QUERY_TYPE: "order",
        }.items()
    )
    assert reasons(otlp_endpoint) == [(id_, "completed"), (id_, "shutdown")]


def test_a_tracer_provider_that_is_set_later(otlp_endpoint: OtlpEndpoint, table: str) -> None:
    """It is found when metrics are collected."""
    program = f"""
{CALL}
import otelml
otelml.instrument(price_table={table!r})
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
metrics.get_meter_provider().force_flush()
call()
"""
    run(program, env=environment(otlp_endpoint.environment, {"OTEL_TRACES_EXPORTER": "none"}))
    assert names.ML_GEN_AI_USAGE_COST_AMOUNT in otlp_endpoint.span().attributes


def test_a_forked_child_has_its_own_conversations(otlp_endpoint: OtlpEndpoint, table: str) -> None:
    """What the parent has counted is reported by the parent alone, and takes no room in the child."""
    program = f"""
{CALL}
import multiprocessing, otelml
otelml.instrument(price_table={table!r}, max_conversations=1)

def serve():
    with otelml.conversation("child", ends=True):
        call()

if __name__ == "__main__":
    with otelml.conversation("parent"):
        call()
        child = multiprocessing.get_context("fork").Process(target=serve)
        child.start()
        child.join()
    assert child.exitcode == 0
"""
    run(program, env=environment(otlp_endpoint.environment))
    assert reasons(otlp_endpoint) == [("child", "completed"), ("parent", "shutdown")]
    assert sum(it.count or 0 for it in otlp_endpoint.points(COST)) == 2


def test_the_setting_switches_it_off(otlp_endpoint: OtlpEndpoint, table: str) -> None:
    """Spans of others are then left as they are; so they are after `uninstrument`, until it is switched on again."""
    program = f"""
{CALL}
import otelml
otelml.instrument(price_table={table!r}, genai_enrichment=False)
call("off")
otelml.instrument(price_table={table!r})
call("on")
otelml.uninstrument()
call("uninstrumented")
otelml.instrument(price_table={table!r})
call("on again")
"""
    run(program, env=environment(otlp_endpoint.environment))
    priced = [it.name for it in otlp_endpoint.spans if names.ML_GEN_AI_USAGE_COST_AMOUNT in it.attributes]
    assert priced == ["on", "on again"]
    assert otlp_endpoint.point(COST).count == 2


def test_a_wrong_price_table_is_refused(tmp_path: Path) -> None:
    """`instrument` says what is wrong before it does anything."""
    with pytest.raises(ValueError, match=r"The price table .*none\.json' cannot be used: .*No such file"):
        otelml.instrument(price_table=str(tmp_path / "none.json"))


def test_a_wrong_price_table_under_the_launcher(tmp_path: Path) -> None:
    """It is one line in the log, and the program runs."""
    variables = {**NOTHING_EXPORTED, "OTELML_PRICE_TABLE": str(tmp_path / "none.json")}
    done = run("print('ran')", env=environment(variables), launched=True)
    assert done.stdout == "ran\n"
    assert done.stderr.count("The price table") == 1
    assert "It is left out." in done.stderr


def test_prices_are_read_with_the_client() -> None:
    """Switching otelml on imports neither prices nor clients; importing a client reads the prices."""
    pytest.importorskip("genai_prices", reason="genai-prices needs Python 3.11")
    pytest.importorskip("openai")
    program = """
import sys, otelml
otelml.instrument()
assert not {"genai_prices", "openai", "anthropic", "httpx2", "pydantic"} & sys.modules.keys()
import openai
assert "genai_prices.data" in sys.modules
assert "anthropic" not in sys.modules
"""
    assert run(program, env=environment(NOTHING_EXPORTED)).stderr == ""
