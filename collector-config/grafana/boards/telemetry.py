"""The telemetry's own health: what is recorded, faults, and the Collector."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, legend, model_variables, of_model
from otelml.rules.packs import telemetry
from otelml.rules.promql import Series, labels
from otelml.semconv import attributes as names
from otelml.semconv import metrics

SHARE = (names.ML_MODEL_NAME, names.ML_OPERATION_METHOD, names.ML_TELEMETRY_SIGNAL)
FAULTS = Series(metrics.ML_TELEMETRY_FAULTS)
FAULT = (names.ML_TELEMETRY_SITE, names.ERROR_TYPE)


def _collector(start: str, by: str) -> tuple[Query, ...]:
    """The Collector's counters of the three signals, under both of their names."""
    return tuple(
        Query(
            f"sum by ({by}) (rate({start}{signal}[{WINDOW}])) or sum by ({by}) (rate({start}{signal}_total[{WINDOW}]))",
            f"{{{{{by}}}}} {signal}",
        )
        for signal in telemetry.SIGNALS
    )


BOARD = Board(
    "otelml-telemetry",
    "Telemetry health",
    "Whether what the other dashboards show is complete.",
    model_variables(metrics.ML_TELEMETRY_RECORDED),
    (
        (
            "In the applications",
            (
                Panel(
                    "Share of the calls recorded",
                    "lines",
                    "percentunit",
                    (Query(f"min by ({labels(*SHARE)}) ({of_model(metrics.ML_TELEMETRY_RECORDED)})", legend(*SHARE)),),
                    "Durations and spans cover a share of the calls to keep the overhead budget; counters cover all.",
                ),
                Panel(
                    "Contained faults",
                    "bars",
                    "none",
                    (
                        Query(f"sum({FAULTS}) or vector(0)", "all"),
                        Query(f"sum by ({labels(*FAULT)}) ({FAULTS})", legend(*FAULT)),
                    ),
                    "Faults of otelml that the application never saw; each is a bug to report.",
                ),
            ),
        ),
        (
            "The Collector",
            (
                Panel(
                    "Accepted",
                    "lines",
                    "short",
                    _collector("otelcol_receiver_accepted_", "receiver"),
                    "Spans, metric points and log records a second.",
                    8,
                ),
                Panel(
                    "Sent",
                    "lines",
                    "short",
                    _collector("otelcol_exporter_sent_", "exporter"),
                    "The same, as sent to the backends; each exporter sends its own copy.",
                    8,
                ),
                Panel(
                    "Lost or refused",
                    "lines",
                    "short",
                    (
                        *_collector(telemetry.COLLECTOR_FAILED, "exporter"),
                        *_collector(telemetry.COLLECTOR_REFUSED, "receiver"),
                    ),
                    "Anything above 0 is missing from the other dashboards.",
                    8,
                ),
                Panel(
                    "Sending queues",
                    "lines",
                    "percentunit",
                    (
                        Query(
                            f"sum by (exporter, data_type) ({telemetry.COLLECTOR_QUEUE})"
                            f" / sum by (exporter, data_type) ({telemetry.COLLECTOR_CAPACITY})",
                            "{{exporter}} {{data_type}}",
                        ),
                    ),
                    "A full queue loses what comes next.",
                    24,
                ),
            ),
        ),
    ),
)
