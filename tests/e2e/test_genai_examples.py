"""The examples with GenAI clients, against the providers that come with them, under the launcher."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from otelml.semconv.attributes import GenAiConversationEndReason
from tests.e2e.programs import ROOT, environment, run
from tests.support.endpoint import OtlpEndpoint

pytest.importorskip("genai_prices", reason="genai-prices needs Python 3.11")

EXAMPLES = ROOT / "examples"
COST, TURNS = metrics.ML_GEN_AI_CLIENT_OPERATION_COST.name, metrics.ML_GEN_AI_CONVERSATION_TURNS.name
CONVERSATION_COST = metrics.ML_GEN_AI_CONVERSATION_COST.name
RESULT = events.ML_GEN_AI_CONVERSATION_RESULT.name
AMOUNT, ID = names.ML_GEN_AI_USAGE_COST_AMOUNT, names.GEN_AI_CONVERSATION_ID


@pytest.fixture(scope="module")
def providers() -> Iterator[str]:
    """The address of the fake providers."""
    spec = util.spec_from_file_location("fake_providers", EXAMPLES / "fake_providers" / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.serving() as url:
        yield url


def program(example: str, *arguments: str, providers: str, endpoint: OtlpEndpoint, **variables: str) -> str:
    """Run an example; its output."""
    pytest.importorskip("openai" if "openai" in example else "anthropic")
    keys = {"OPENAI_BASE_URL": f"{providers}/v1", "OPENAI_API_KEY": "none", "ANTHROPIC_BASE_URL": providers}
    env = environment(endpoint.environment, keys, {"ANTHROPIC_API_KEY": "none"}, variables)
    done = run(Path(EXAMPLES / example / "app.py"), *arguments, env=env, launched=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.slow
def test_chat(otlp_endpoint: OtlpEndpoint, providers: str) -> None:
    """Every call of a session has its cost, and the session's totals are theirs."""
    otlp_endpoint.allow(names.ML_GEN_AI_QUERY_TYPE, names.GEN_AI_PROVIDER_NAME)
    asked = ("How long does delivery take?", "Can I send it back for a refund?")
    allowed = {"OTELML_METRIC_ATTRIBUTES": names.ML_GEN_AI_QUERY_TYPE}
    shown = program("chat_openai", *asked, providers=providers, endpoint=otlp_endpoint, **allowed)
    assert "within three working days" in shown
    assert "within 30 days" in shown
    spans = [it for it in otlp_endpoint.spans if it.scope == "otelml.instrumentation.openai"]
    assert [it.attributes[names.GEN_AI_OPERATION_NAME] for it in spans] == ["embeddings", "chat"] * 2
    assert len({it.attributes[ID] for it in spans}) == 1
    assert {it.attributes[names.ML_GEN_AI_CONVERSATION_PERSONA] for it in spans} == {"new_customer"}
    chats = [it.attributes.get(names.ML_GEN_AI_QUERY_TYPE) for it in spans]
    assert chats == [None, "delivery", None, "refund"]
    result = otlp_endpoint.event(RESULT).attributes
    assert result[names.ML_GEN_AI_CONVERSATION_TURN_COUNT] == 2
    assert result[names.ML_GEN_AI_CONVERSATION_COST] == pytest.approx(sum(float(it.attributes[AMOUNT]) for it in spans))
    assert result[names.ML_GEN_AI_CONVERSATION_END_REASON] == GenAiConversationEndReason.COMPLETED
    assert {it.attributes.get(names.ML_GEN_AI_QUERY_TYPE) for it in otlp_endpoint.points(COST)} == {
        None,
        "delivery",
        "refund",
    }


@pytest.mark.slow
def test_agent(otlp_endpoint: OtlpEndpoint, providers: str) -> None:
    """One cost for a call and one turn for a request, whoever makes the spans of the client's calls."""
    asked = ("Where is order A123?", "I want my money back for B456")
    shown = program("agent_anthropic", *asked, providers=providers, endpoint=otlp_endpoint)
    assert "on its way" in shown
    assert '"refunded_euros": 80' in shown
    spans = [it for it in otlp_endpoint.spans if it.attributes.get(names.GEN_AI_OPERATION_NAME) == "chat"]
    assert len(spans) == 4
    assert sum(it.count or 0 for it in otlp_endpoint.points(COST)) == 4
    costs = sum(float(it.attributes[AMOUNT]) for it in spans)
    assert otlp_endpoint.total(CONVERSATION_COST) == pytest.approx(costs)
    assert (otlp_endpoint.total(TURNS), len({it.attributes[ID] for it in spans})) == (2, 1)


def test_examples_do_not_need_telemetry() -> None:
    """The providers' module is plain: it imports nothing but the standard library."""
    text = (EXAMPLES / "fake_providers" / "server.py").read_text()
    imported = {
        line.split()[1].partition(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported <= sys.stdlib_module_names
