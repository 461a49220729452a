"""Emission of training loops: exact counters, spans of windows and epochs linked to the run's, events."""

from __future__ import annotations

import atexit
import dataclasses
import sys
import weakref
from collections.abc import Callable
from weakref import WeakKeyDictionary

from opentelemetry._logs import Logger, LogRecord, SeverityNumber, get_logger
from opentelemetry.context import Context, get_current
from opentelemetry.metrics import Histogram, MeterProvider, get_meter, get_meter_provider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_tracer,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml._version import __version__
from otelml.observations import ModelIdentity
from otelml.observations.training import RunDeclaration
from otelml.semconv import SCHEMA_URL, metrics
from otelml.semconv import attributes as names
from otelml.semconv.events import Event
from otelml.semconv.metrics import HistogramMetric
from otelml.settings import Settings
from otelml.telemetry.handler import Telemetry
from otelml.telemetry.labels import OTHER, Distinct
from otelml.telemetry.series import Attributes
from otelml.telemetry.training.declared import on_end
from otelml.telemetry.training.run import TrainingRun
from otelml.telemetry.training.series import TrainingSeries, register

SCOPE = "otelml.training"

_HISTOGRAMS: tuple[HistogramMetric, ...] = (
    metrics.ML_TRAINING_DURATION,
    metrics.ML_TRAINING_STEP_DURATION,
    metrics.ML_TRAINING_EPOCH_DURATION,
    metrics.ML_TRAINING_CHECKPOINT_DURATION,
    metrics.ML_EVALUATION_DURATION,
)


class TrainingTelemetry:
    """What everything that sees training emits through: the hooks of PyTorch and the frameworks' callbacks.

    There is one for a provider of metrics, so that a framework and the loop inside it report the same run.

    Attributes:
        before_end: called before runs end, so that nothing of them is left under way.
        settings: in force.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        tracers, meters, loggers = telemetry.providers
        self._tracer: Tracer = get_tracer(SCOPE, __version__, tracers, SCHEMA_URL)
        self._logger: Logger = get_logger(SCOPE, __version__, loggers, SCHEMA_URL)
        meter = get_meter(SCOPE, __version__, meters, SCHEMA_URL)
        self._histograms: dict[HistogramMetric, Histogram] = {it: it.create(meter) for it in _HISTOGRAMS}
        self._traces = telemetry.traces
        self._series: dict[tuple[object, ...], TrainingSeries] = {}
        self._runs: dict[TrainingRun, None] = {}
        self.before_end: Callable[[], None] = _nothing
        self.configure(Settings())
        on_end(self.end_declared)
        self._finishes = False
        register(meter, self._all_series)
        call_in_children(self._reset_in_child)

    def configure(self, settings: Settings) -> None:
        """Put settings in force, for the runs that begin from now on."""
        self.settings = settings
        self._models = Distinct(settings.max_models)

    def run(
        self, model: ModelIdentity | None, system: str, declared: RunDeclaration, facts: Attributes | None = None
    ) -> TrainingRun:
        """Begin a run of training, or take up the one of that model that was declared.

        The run's span is made at once, so that the run is seen long before it ends.

        Args:
            model: what is trained, None where it can't be told.
            system: the library, as a value of `ml.system.name`.
            declared: what the application or the framework has said about the run.
            facts: what else the run's span tells, such as the optimizer.
        """
        if model is not None and declared.model is not None:
            model = dataclasses.replace(model, name=declared.model)
        name = model.name if model else declared.model
        version = model.version if model else None
        if name is not None and not self._models.admits((name, version)):
            name, version = OTHER, None
        about: dict[str, AttributeValue | None] = {
            names.ML_SYSTEM_NAME: system,
            names.ML_MODEL_NAME: name,
            names.ML_MODEL_VERSION: version,
        }
        series = self._series_for({key: value for key, value in about.items() if value is not None})
        for known in self._runs:
            if known.declared is declared and known.series is series:
                return known
        self._finish_at_exit()
        run = TrainingRun(self, series, declared)
        self._runs[run] = None
        run.open({**_described(model, declared), **(facts or {})})
        return run

    @guarded
    def _finish_at_exit(self) -> None:
        # Not before there is a run: what is registered last runs first, and the application may set up its providers,
        # whose own exit handlers shut them down, after it was instrumented.
        if not self._finishes:
            self._finishes = True
            finish = weakref.WeakMethod(self.finish)
            atexit.register(lambda: (method := finish()) and method())
            util = sys.modules.get("multiprocessing.util")
            if util is not None:  # a forked child of `multiprocessing` ends without the exit handlers
                util.Finalize(None, lambda: (method := finish()) and method(), exitpriority=1)

    def declared_run(self, declared: RunDeclaration) -> TrainingRun | None:
        """The first run that was begun under a declaration and has not ended."""
        return next((run for run in self._runs if run.declared is declared), None)

    @guarded
    def finish(self) -> None:
        """End all runs, as at the end of the process."""
        self.before_end()
        for run in list(self._runs):
            run.end()

    @guarded
    def end_declared(self, declared: RunDeclaration, error_type: str | None) -> None:
        """End the runs that were begun under a declaration.

        Args:
            declared: what has ended.
            error_type: of the error that ended it.
        """
        self.before_end()
        for run in [run for run in self._runs if run.declared is declared]:
            run.end(error_type)

    def forget(self, run: TrainingRun) -> None:
        """Let go of a run that has ended."""
        self._runs.pop(run, None)

    def span(
        self,
        name: str,
        attributes: Attributes,
        *,
        link: SpanContext | None = None,
        began: int | None = None,
        ended: int | None = None,
        error_type: str | None = None,
    ) -> SpanContext | None:
        """Emit a span of its own trace, or below the application's current span.

        Args:
            name: the operation's name; the model's is added.
            attributes: of the span.
            link: the span of the run.
            began: in ns since the epoch; now by default.
            ended: likewise.
            error_type: of the error that ended what the span is of.

        Returns:
            What identifies the span; None below a span that was sampled out, where there is none.
        """
        if not self._traces(get_current()):
            return None
        model = attributes.get(names.ML_MODEL_NAME)
        links = [Link(link)] if link is not None and link.is_valid else None
        span = self._tracer.start_span(
            f"{name} {model}" if model else name, None, SpanKind.INTERNAL, attributes, links, began
        )
        if error_type is not None:
            span.set_attribute(names.ERROR_TYPE, error_type)
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)
        return span.get_span_context()

    def record(self, metric: HistogramMetric, value: float, attributes: Attributes) -> None:
        """Record a value in the histogram of a metric."""
        self._histograms[metric].record(value, attributes)

    def event(
        self, event: Event, attributes: Attributes, link: SpanContext | None, timestamp: int | None = None
    ) -> None:
        """Emit an event, at a time in ns since the epoch."""
        self._logger.emit(
            LogRecord(
                timestamp=timestamp,
                event_name=event.name,
                severity_number=SeverityNumber(event.severity_number),
                attributes=attributes,
                context=_inside(link),
            )
        )

    def _all_series(self) -> list[TrainingSeries]:
        for run in list(self._runs):
            run.collect()
        return list(self._series.values())

    def _series_for(self, attributes: Attributes) -> TrainingSeries:
        key = tuple(attributes.items())
        return self._series.setdefault(key, TrainingSeries(attributes))

    @guarded
    def _reset_in_child(self) -> None:
        self._runs.clear()
        self._finishes = False
        for series in self._series.values():
            series.reset()


def _nothing() -> None:
    pass


def _inside(link: SpanContext | None) -> Context | None:
    return None if link is None else set_span_in_context(NonRecordingSpan(link), Context())


def _described(model: ModelIdentity | None, declared: RunDeclaration) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue | None] = {
        names.ML_TRAINING_RUN_NAME: declared.name,
        names.ML_EXPERIMENT_NAME: declared.experiment,
        names.ML_TRAINING_EPOCH_COUNT: declared.epochs,
        **{f"{names.ML_TRAINING_HYPERPARAMETER}.{key}": value for key, value in declared.hyperparameters.items()},
    }
    if model is not None:
        found[names.ML_MODEL_ID] = model.id
        found[names.ML_MODEL_TASK] = model.task
        found[names.ML_MODEL_ARCHITECTURE] = model.architecture
        found[names.ML_SYSTEM_VERSION] = model.system_version
    return {key: value for key, value in found.items() if value is not None}


_known: WeakKeyDictionary[MeterProvider, TrainingTelemetry] = WeakKeyDictionary()


def training_telemetry(telemetry: Telemetry, settings: Settings) -> TrainingTelemetry:
    """The one that belongs to the providers of an instrumentation, with settings put in force."""
    provider = telemetry.providers[1] or get_meter_provider()
    found = _known.get(provider)
    if found is None:
        found = _known.setdefault(provider, TrainingTelemetry(telemetry))
    found.configure(settings)
    return found
