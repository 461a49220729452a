"""The telemetry's own health: faults that were contained, signals gone missing, and the Collector."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.promql import Series, growth, labels
from otelml.rules.rule import Alert, Group, Recording
from otelml.semconv import attributes as names
from otelml.semconv import metrics

# The Collector's own metrics (0.152: without `_total` on its default reader, with it where they are exported by OTLP).
COLLECTOR_FAILED = "otelcol_exporter_send_failed_"
COLLECTOR_REFUSED = "otelcol_receiver_refused_"
COLLECTOR_QUEUE = "otelcol_exporter_queue_size"
COLLECTOR_CAPACITY = "otelcol_exporter_queue_capacity"
SIGNALS = ("spans", "metric_points", "log_records")

LOST = "otelml:collector_send_failed:rate5m"
REFUSED = "otelml:collector_refused:rate5m"


def _both(metric: str, by: str) -> str:
    return " or ".join(f"sum by ({by}) (rate({metric}{ending}[5m]))" for ending in ("", "_total"))


def group(limits: Limits) -> Group:
    """Return the rules."""
    recorded = Series(metrics.ML_TELEMETRY_RECORDED)
    duration = recorded.where(names.ML_TELEMETRY_SIGNAL, "=", names.TelemetrySignal.DURATION)
    faults = Series(metrics.ML_TELEMETRY_FAULTS)
    name = labels(names.ML_MODEL_NAME)
    site = labels(names.ML_TELEMETRY_SITE)
    model = "{{ $labels." + name + " }}"
    recordings = [
        Recording(recording, _both(f"{metric}{signal}", by), {"signal": signal})
        for recording, metric, by in ((LOST, COLLECTOR_FAILED, "exporter"), (REFUSED, COLLECTOR_REFUSED, "receiver"))
        for signal in SIGNALS
    ]
    return Group(
        "telemetry",
        (
            *recordings,
            Alert(
                "TelemetryFaults",
                f"{growth(faults, '15m', names.ML_TELEMETRY_SITE, names.ERROR_TYPE)} > 0",
                "ticket",
                f"otelml contained a fault of its own at {{{{ $labels.{site} }}}}; the application saw nothing of it",
                "the warning in the application's log, written once for each place, which has the traceback",
                "telemetry-faults",
            ),
            Alert(
                "TelemetryBarelyRecorded",
                f"max by ({name}) ({duration}) < {limits['recordedRatio']:g}",
                "ticket",
                f"only {{{{ $value | humanizePercentage }}}} of the calls of {model} are in the duration histogram",
                "whether many tiny calls could be one batch; the counters stay exact, percentiles rest on few calls",
                "telemetry-barely-recorded",
                "1h",
            ),
            Alert(
                "TelemetryGone",
                f"count by ({name}) ({recorded} offset 1h) unless count by ({name}) ({recorded})",
                "ticket",
                f"nothing arrives of {model} any more; an hour ago {{{{ $value }}}} series did",
                "whether the service runs; if it does, its log for failed exports, then the Collector's",
                "telemetry-gone",
                "10m",
            ),
            Alert(
                "CollectorLosesTelemetry",
                f"{LOST} > 0",
                "page",
                "the Collector's exporter {{ $labels.exporter }} loses {{ $value | humanize }} {{ $labels.signal }}/s",
                "the Collector's log: what the backend answered; then whether the backend is up and the key valid",
                "collector-loses-telemetry",
                "5m",
            ),
            Alert(
                "CollectorQueueFillsUp",
                f"{COLLECTOR_QUEUE} / ({COLLECTOR_CAPACITY} > 0) > {limits['queueRatio']:g}",
                "ticket",
                "the queue of the exporter {{ $labels.exporter }} is {{ $value | humanizePercentage }} full",
                "how fast the backend answers; then whether the traffic grew",
                "collector-queue-fills-up",
                "5m",
            ),
            Alert(
                "CollectorRefusesTelemetry",
                f"{REFUSED} > 0",
                "page",
                "the Collector at {{ $labels.receiver }} refuses {{ $value | humanize }} {{ $labels.signal }}/s",
                "the Collector's memory against the limit of its memory limiter; then the queues behind it",
                "collector-refuses-telemetry",
                "5m",
            ),
        ),
    )
