"""What a hook tells the conformance suites about itself; a new hook adds a case to `hooks/` and gets all suites."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Tracer, use_span

from otelml.instrumentation._base import MLInstrumentor
from otelml.semconv.metrics import Metric


class Host:
    """The application around calls of the library.

    It keeps what they return and raise, and sees that they leave its context alone.
    """

    def __init__(self, tracer: Tracer) -> None:
        self.outcomes: list[object] = []
        self._tracer = tracer

    @contextmanager
    def request(self) -> Iterator[Span]:
        """A request that the application traces itself."""
        with self._tracer.start_as_current_span("request") as span:
            yield span

    @contextmanager
    def unsampled_request(self) -> Iterator[None]:
        """A request whose trace is not recorded."""
        with use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=False))):
            yield

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the library; a `ValueError` is an outcome and gives None."""
        before = dict(get_current())
        try:
            result = function(*args)
        except ValueError as error:
            result = None
            self.outcomes.append(error)
        else:
            self.outcomes.append(result)
        assert dict(get_current()) == before, "the call left another context behind"
        return result


@dataclass(frozen=True, eq=False)
class Workload:
    """A program of a host.

    Attributes:
        run: the program.
        settings: otelml's settings under which it runs, but for the defaults.
        observed: whether an observer is told of the calls.
    """

    run: Callable[[Host], None]
    settings: Mapping[str, object] = field(default_factory=dict)
    observed: bool = False


@dataclass(frozen=True)
class Hook:
    """One instrumentation, by what an application does with its library.

    A *subject* is what an application calls: an estimator, a module, a client.

    Attributes:
        name: the file in `hooks/`.
        instrumentor: the instrumentor as `module:class`.
        library: the top-level package whose import the instrumentation waits for.
        preload: what the library itself imports, so that a process that is forked for a test starts quickly.
        load: imports all of the library that `sites` and `subject` need.
        sites: owner and name of every function that the instrumentation replaces in what is loaded.
        subject: makes a subject of the library's own.
        subclassing: whether classes are changed as they are made, by an `__init_subclass__` among `sites`.
        define: makes a class of the application and returns a subject of it; its methods are replaced, too.
        call: calls a subject once, in the way that `calls` counts.
        calls: counts the calls.
        returning: makes a subject whose call returns exactly this object.
        raising: makes a subject whose call raises exactly this exception.
        send: writes subjects into a folder in every way in which applications hand them on to other processes.
        receive: source code that finds the folder in `folder` and makes the dict `results` of what calls returned.
        telemetry_modules: the modules whose functions are made to raise, as they work for this hook.
        passthrough: functions in them, as `module:qualified name`, that run the host's code or that the host calls.
        idle_modules: those of them that do nothing while the host calls its library.
        own_attributes: attributes that the workloads give to their telemetry.
        workloads: programs of a host; together they reach the functions above.
    """

    name: str
    instrumentor: str
    library: str
    preload: tuple[str, ...]
    load: Callable[[], None]
    sites: Callable[[], Iterator[tuple[Any, str]]]
    subject: Callable[[], Any]
    subclassing: bool
    define: Callable[[], Any]
    call: Callable[[Any], Any]
    calls: Metric
    returning: Callable[[object], Any]
    raising: Callable[[BaseException], Any]
    send: Callable[[Path], None]
    receive: str
    telemetry_modules: tuple[str, ...]
    passthrough: frozenset[str]
    idle_modules: frozenset[str]
    own_attributes: tuple[str, ...]
    workloads: tuple[Workload, ...]

    def make_instrumentor(self) -> MLInstrumentor:
        """The process's one instrumentor."""
        module, _, cls = self.instrumentor.partition(":")
        instrumentor: MLInstrumentor = getattr(import_module(module), cls)()
        return instrumentor


HOOKS = ("sklearn", "torch")


def hook(name: str) -> Hook:
    """The hook of that name; its library is not imported."""
    case: Hook = import_module(f"tests.conformance.hooks.{name}").HOOK
    return case
