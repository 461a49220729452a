"""`otelml.instrument()` and `otelml.uninstrument()`: once, again, from many threads, and back."""

from __future__ import annotations

import random

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

import otelml
from otelml.semconv import metrics
from tests.e2e.programs import MODEL, NOTHING_EXPORTED, STATE, environment, run, state
from tests.support.endpoint import OtlpEndpoint

CALLS, DURATION = metrics.ML_INFERENCE_CALLS.name, metrics.ML_INFERENCE_DURATION.name

PREDICT = (
    MODEL
    + """
def predict(calls):
    for _ in range(calls):
        model.predict([[1]])
"""
)


def streams(endpoint: OtlpEndpoint, metric: str) -> set[int]:
    """How many streams of a metric were in an export request: several would be several counts of the same thing."""
    return {
        sum(len(it.sum.data_points) for group in groups for it in group.metrics if it.name == metric)
        for request in endpoint.requests()
        if isinstance(request, ExportMetricsServiceRequest)
        for resource in request.resource_metrics
        if (groups := resource.scope_metrics)
    }


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_a_provider_of_the_application_stays(signal: str) -> None:
    """A signal that the application has set up is left to it, and the others are set up."""
    create = {
        "traces": "from opentelemetry.sdk.trace import TracerProvider as P; from opentelemetry.trace import *; "
        "s, g = set_tracer_provider, get_tracer_provider",
        "metrics": "from opentelemetry.sdk.metrics import MeterProvider as P; from opentelemetry.metrics import *; "
        "s, g = set_meter_provider, get_meter_provider",
        "logs": "from opentelemetry.sdk._logs import LoggerProvider as P; from opentelemetry._logs import *; "
        "s, g = set_logger_provider, get_logger_provider",
    }[signal]
    program = f"{create}\nmine = P()\ns(mine)\nimport otelml\notelml.instrument()\nassert g() is mine\n{STATE}"
    done = run(program, env=environment())
    assert state(done).items() >= {"traces": "sdk", "metrics": "sdk", "logs": "sdk", "sklearn": True}.items()
    assert done.stderr == ""


def test_providers_that_the_application_sets_later(otlp_endpoint: OtlpEndpoint) -> None:
    """Where we have nothing to export to, an application that sets its providers afterwards gets the telemetry."""
    program = f"""
import otelml
otelml.instrument()
{PREDICT}
predict(2)
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
tracer_provider = TracerProvider()
tracer_provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(tracer_provider)
metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
predict(3)
"""
    done = run(program, env=environment(otlp_endpoint.environment, NOTHING_EXPORTED))
    assert done.stderr == ""
    assert otlp_endpoint.point(CALLS).value == 5  # also those from before, which were counted
    assert len(otlp_endpoint.spans) == 3


@pytest.mark.parametrize(
    ("variables", "expression", "expected"),
    [
        (
            {"OTEL_TRACES_SAMPLER": "always_off"},
            "trace.get_tracer_provider().sampler.get_description()",
            "AlwaysOffSampler",
        ),
        (
            {"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "team=ml"},
            "[metrics.get_meter_provider()._sdk_config.resource.attributes[name] for name in ('service.name', 'team')]",
            "['shop', 'ml']",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"},
            "['grpc' in sys.modules, 'opentelemetry.exporter.otlp.proto.http.metric_exporter' in sys.modules]",
            "[True, True]",
        ),
    ],
)
def test_variables_are_honoured(variables: dict[str, str], expression: str, expected: str) -> None:
    """The sampler, the resource and the protocol of a signal are those of the variables."""
    program = f"import otelml, sys; otelml.instrument()\nfrom opentelemetry import metrics, trace\nprint({expression})"
    done = run(program, env=environment(variables))
    assert (done.stdout.strip(), done.stderr) == (expected, "")


def test_a_wrong_value_stops_before_anything_is_set_up() -> None:
    """With a wrong value in the arguments or the environment nothing is switched on."""
    program = f"""
import otelml
try:
    otelml.instrument(max_classes=5)
except ValueError as error:
    assert "OTELML_MAX_MODELS='no' is not valid" in str(error), error
import os
del os.environ["OTELML_MAX_MODELS"]
{STATE}
"""
    found = state(run(program, env=environment({"OTELML_MAX_MODELS": "no"})))
    assert found.items() >= {"traces": "trace", "metrics": "metrics", "logs": "_logs", "sklearn": False}.items()


def test_wrong_arguments_are_refused() -> None:
    """A wrong value and an unknown setting raise errors that say what would be right."""
    with pytest.raises(ValueError, match="overhead_budget='lots' is not valid: expected a share such as 3%"):
        otelml.instrument(overhead_budget="lots")
    with pytest.raises(ValueError, match=r"There is no setting 'overhead'\. Did you mean overhead_budget\?"):
        otelml.instrument(overhead=1)


def test_many_threads_enable_once(otlp_endpoint: OtlpEndpoint) -> None:
    """Sixteen threads that enable at once leave one stream of counts, and no call is missing from it."""
    program = f"""
import threading
import otelml
{PREDICT}
barrier = threading.Barrier(16)

def enable():
    barrier.wait()
    otelml.instrument(overhead_budget="100%")

threads = [threading.Thread(target=enable) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
threads = [threading.Thread(target=predict, args=(50,)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    done = run(program, env=environment(otlp_endpoint.environment))
    assert done.stderr == ""
    assert streams(otlp_endpoint, CALLS) == {1}
    assert otlp_endpoint.point(CALLS).value == 400
    assert otlp_endpoint.point(DURATION).count == 400


def test_off_and_on_again(otlp_endpoint: OtlpEndpoint) -> None:
    """What is called while otelml is off is not counted, and switched on again it goes on with one stream of counts."""
    program = f"""
import otelml
{PREDICT}
original = Model.predict
otelml.uninstrument()
otelml.instrument()
otelml.instrument()
assert Model.predict is not original
predict(3)
for _ in range(3):
    otelml.uninstrument()
    otelml.uninstrument()
    assert Model.predict is original
    predict(5)
    otelml.instrument()
    predict(1)
"""
    done = run(program, env=environment(otlp_endpoint.environment))
    assert done.stderr == ""
    assert streams(otlp_endpoint, CALLS) == {1}
    assert otlp_endpoint.point(CALLS).value == 6


def test_settings_of_a_second_call_are_in_force(otlp_endpoint: OtlpEndpoint) -> None:
    """A call with other settings changes those, for the models that are known, too."""
    program = f"""
import otelml
{PREDICT}
otelml.instrument(overhead_budget=0)
predict(4)
otelml.instrument(overhead_budget="100%")
predict(3)
otelml.instrument(overhead_budget=0)
predict(2)
"""
    run(program, env=environment(otlp_endpoint.environment))
    assert otlp_endpoint.point(CALLS).value == 9
    assert otlp_endpoint.point(DURATION).count == 3
    assert len(otlp_endpoint.spans) == 3


def test_disabled_instrumentation_stays_off() -> None:
    """What OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names is not switched on by `instrument()` either."""
    program = f"import otelml; otelml.instrument()\n{STATE}"
    disabled = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "mlflow, sklearn"}
    assert state(run(program, env=environment(disabled)))["sklearn"] is False


def test_random_numbers_of_the_application_stay_the_same(otlp_endpoint: OtlpEndpoint) -> None:
    """A seeded program draws the same numbers as without us, while spans are made and all signals are exported."""
    program = f"""
import otelml, random
otelml.instrument(overhead_budget="100%")
{PREDICT}
from opentelemetry import metrics, trace
random.seed(3)
drawn = []
for _ in range(5):
    predict(2)
    trace.get_tracer_provider().force_flush()
    metrics.get_meter_provider().force_flush()
    drawn.append(random.random())
print(drawn)
"""
    done = run(program, env=environment(otlp_endpoint.environment))
    expected = random.Random(3)
    assert done.stdout.strip() == str([expected.random() for _ in range(5)])
    assert len({span.trace_id for span in otlp_endpoint.spans}) == 10


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        (
            "import otelml",
            ["opentelemetry.sdk", "opentelemetry.exporter", "numpy", "sklearn", "mlflow", "torch", "openai"],
        ),
        ("import otelml; otelml.instrument()", ["sklearn", "scipy", "mlflow", "pandas", "torch", "openai", "grpc"]),
        ("import otelml; otelml.uninstrument()", ["sklearn", "numpy", "mlflow"]),
    ],
)
def test_nothing_heavy_is_imported(statement: str, absent: list[str]) -> None:
    """What enabling does not need is not imported by it."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    imported = run(program, env=environment()).stdout.split()
    assert not [name for name in imported if name.startswith(tuple(f"{it}." for it in absent)) or name in absent]


def test_enabling_does_not_need_numpy() -> None:
    """An application that never imports scikit-learn does not pay for numpy's import."""
    program = "import otelml, sys; otelml.instrument(); print('numpy' in sys.modules)"
    assert run(program, env=environment()).stdout == "False\n"


def test_hooks_of_clients_wait_for_their_library() -> None:
    """What a program does not import costs it nothing; what it imports is on then, unless that was taken back."""
    program = """
import sys
import otelml
otelml.instrument()
hook = "otelml.instrumentation.openai"
print(hook in sys.modules, end=" ")
if sys.argv[1] == "off":
    otelml.uninstrument()
import openai
print(hook in sys.modules and sys.modules[hook].OpenAIInstrumentor().is_instrumented_by_opentelemetry)
"""
    env = environment(NOTHING_EXPORTED)
    assert run(program, "on", env=env).stdout == "False True\n"
    assert run(program, "off", env=env).stdout == "False False\n"
