"""Run train.py under the launcher, receive its telemetry, and plot loss, throughput and the share of each phase."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import matplotlib

from otelml.viewer.receiver import OtlpReceiver
from otelml.viewer.records import Span
from otelml.viewer.store import TelemetryStore

PHASES = ("data_wait", "forward", "backward", "optimizer", "other")
PHASE_TIME = "ml.training.phase_time."
STEPS_A_WINDOW = 25


def train(arguments: list[str]) -> TelemetryStore:
    store = TelemetryStore()
    with OtlpReceiver(store.add) as receiver:
        environment = {
            **os.environ,
            "OTEL_SERVICE_NAME": "digits-training",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTELML_TRAINING_WINDOW_STEPS": str(STEPS_A_WINDOW),
        }
        launcher = [sys.executable, "-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()"]
        program = [sys.executable, str(Path(__file__).with_name("train.py")), *arguments]
        subprocess.run([*launcher, *program], env=environment, check=True)
    return store


def windows(store: TelemetryStore) -> list[Span]:
    found = [span for span in store.spans() if "ml.training.window.index" in span.attributes]
    return sorted(found, key=lambda span: span.start_ns)


def number(span: Span, name: str) -> float:
    value = span.attributes.get(name, 0)
    return float(value) if isinstance(value, (int, float)) else 0.0


def plot(found: list[Span], file: Path) -> None:
    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = [number(span, "ml.training.step.index") + number(span, "ml.training.step.count") for span in found]
    seconds = [sum(number(span, PHASE_TIME + phase) for phase in PHASES) for span in found]
    figure, (loss, throughput, shares) = pyplot.subplots(3, 1, figsize=(8, 9), sharex=True, layout="constrained")
    loss.plot(steps, [number(span, "ml.training.loss.value") for span in found])
    loss.set_ylabel("loss, mean of the window")
    samples = [number(span, "ml.training.sample.count") for span in found]
    throughput.plot(steps, [count / time for count, time in zip(samples, seconds, strict=True)])
    throughput.set_ylabel("samples a second")
    throughput.set_ylim(bottom=0)
    by_phase = [
        [number(span, PHASE_TIME + phase) / time for span, time in zip(found, seconds, strict=True)] for phase in PHASES
    ]
    shares.stackplot(steps, by_phase, labels=PHASES)
    shares.set_ylabel("share of the time")
    shares.set_xlabel("step")
    shares.set_ylim(0, 1)
    figure.legend(*shares.get_legend_handles_labels(), loc="outside lower center", ncols=len(PHASES))
    figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="What else is given goes to train.py.")
    parser.add_argument("--plot", type=Path, default=Path("training.png"), help="the file of the plot")
    options, arguments = parser.parse_known_args()
    found = windows(train(arguments))
    if not found:
        sys.exit("No window of training steps has arrived: is otelml installed, and PyTorch 2.4 or later?")
    plot(found, options.plot)
    steps = sum(number(span, "ml.training.step.count") for span in found)
    samples = sum(number(span, "ml.training.sample.count") for span in found)
    print(f"{steps:.0f} steps and {samples:.0f} samples in {len(found)} windows: {options.plot}")


if __name__ == "__main__":
    main()
