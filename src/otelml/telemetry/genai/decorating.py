"""Activities as decorators and blocks: of functions, coroutine functions, generators and asynchronous generators.

The context of an activity is current while the application's code runs, never across a yield of a generator.
"""

from __future__ import annotations

import functools
import inspect
from asyncio import CancelledError
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import Any, TypeVar

from opentelemetry.util.types import AttributeValue

from otelml.semconv import attributes as names
from otelml.telemetry.genai.activity import Activity, Kind

_F = TypeVar("_F", bound=Callable[..., Any])


class Around:
    """What `otelml.tool`, `otelml.agent` and `otelml.workflow` return: a decorator, and a block for `with`."""

    def __init__(self, kind: Kind, name: str | None, attributes: Mapping[str, AttributeValue]) -> None:
        self._kind = kind
        self._name = name
        self._attributes = dict(attributes)
        self._running: tuple[Activity, Any] | None = None

    def __call__(self, function: _F) -> _F:
        """Decorate a function; it keeps its signature, and stays what it is: a coroutine function, a generator..."""
        if not callable(function):
            raise TypeError(f"Decorate a function, not {function!r}.")
        decorated: _F = self._decorated(function)
        return decorated

    def _decorated(self, function: Any) -> Any:
        if inspect.isasyncgenfunction(function):
            return self._asynchronous_generator(function)
        if inspect.isgeneratorfunction(function):
            return self._generator(function)
        if inspect.iscoroutinefunction(function):
            return self._coroutine(function)
        return self._function(function)

    def _started(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Activity:
        activity = Activity(self._kind)
        activity.start(self._about(function), _Arguments(function, args, kwargs))
        return activity

    def _about(self, function: Any = None) -> dict[str, AttributeValue]:
        name = self._name or getattr(function, "__name__", None)
        about = dict(self._attributes)
        if name:
            about[self._kind.name] = name
        if function is not None:
            about[names.CODE_FUNCTION_NAME] = f"{function.__module__}.{function.__qualname__}"
        return about

    def _function(self, function: Any) -> Any:
        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            activity = self._started(function, args, kwargs)
            token = activity.enter()
            try:
                returned = function(*args, **kwargs)
            except BaseException as error:
                activity.leave(token)
                activity.fail(error)
                raise
            activity.leave(token)
            activity.stop(returned)
            return returned

        return decorated

    def _coroutine(self, function: Any) -> Any:
        @functools.wraps(function)
        async def decorated(*args: Any, **kwargs: Any) -> Any:
            activity = self._started(function, args, kwargs)
            token = activity.enter()
            try:
                returned = await function(*args, **kwargs)
            except BaseException as error:
                activity.leave(token)
                activity.fail(error)
                raise
            activity.leave(token)
            activity.stop(returned)
            return returned

        return decorated

    def _generator(self, function: Any) -> Any:
        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            activity = self._started(function, args, kwargs)
            return (yield from _Steps(activity, generator))

        return decorated

    def _asynchronous_generator(self, function: Any) -> Any:
        @functools.wraps(function)
        async def decorated(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            activity = self._started(function, args, kwargs)
            step, given = generator.asend, None
            try:
                while True:
                    token = activity.enter()
                    try:
                        item = await step(given)
                    finally:
                        activity.leave(token)
                    try:
                        given = yield item
                        step = generator.asend
                    except GeneratorExit:
                        await generator.aclose()
                        raise
                    except (Exception, CancelledError) as thrown:
                        step, given = generator.athrow, thrown
            except (StopAsyncIteration, GeneratorExit) as end:
                activity.stop()
                if isinstance(end, GeneratorExit):
                    raise
            except BaseException as error:
                activity.fail(error)
                raise

        return decorated

    def __enter__(self) -> Around:
        if self._running is not None:
            raise RuntimeError("This block is being run already: make one for each `with`.")
        if not self._name:
            raise TypeError("A block needs a name, such as otelml.tool('search').")
        activity = Activity(self._kind)
        activity.start(self._about(), None)
        self._running = (activity, activity.enter())
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._running is None:
            return
        activity, token = self._running
        self._running = None
        activity.leave(token)
        if error is None:
            activity.stop()
        else:
            activity.fail(error)

    async def __aenter__(self) -> Around:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)


class _Arguments:
    """The arguments of a call by the names of its parameters; bound only where content is wanted."""

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._call = (function, args, kwargs)

    def to_dict(self) -> dict[str, Any]:
        """The arguments, for whoever reads content."""
        function, args, kwargs = self._call
        return dict(inspect.signature(function).bind_partial(*args, **kwargs).arguments)


class _Steps(Generator[Any, Any, Any]):
    """A generator, each step of which runs in the activity's context."""

    def __init__(self, activity: Activity, generator: Generator[Any, Any, Any]) -> None:
        self._activity = activity
        self._generator = generator

    def send(self, value: Any) -> Any:
        """Take the next step."""
        return self._step(self._generator.send, value)

    def throw(self, *error: Any) -> Any:
        """Take the next step with an exception."""
        return self._step(self._generator.throw, *error)

    def _step(self, step: Callable[..., Any], *given: Any) -> Any:
        activity = self._activity
        token = activity.enter()
        try:
            item = step(*given)
        except (StopIteration, GeneratorExit):
            activity.leave(token)
            activity.stop()
            raise
        except BaseException as error:
            activity.leave(token)
            activity.fail(error)
            raise
        activity.leave(token)
        return item
