"""The calls of a library without a choke point: a row for each public method."""

from __future__ import annotations

from collections.abc import Callable

from otelml._guard import guarded
from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.telemetry.genai import GenAIOperation, GenAITelemetry

Planning = Callable[[GenAITelemetry, Arguments, Keywords], "Plan | None"]


class MethodCalls(Calls):
    """What the rows of one library share: where they are reported."""

    def __init__(self) -> None:
        super().__init__(lambda _telemetry, _args, _kwargs: None)

    def row(self, plan: Planning) -> Calls:
        """The calls of one method.

        Args:
            plan: what a call of it is; None for one that is left alone.
        """
        return _Row(self, plan)


class _Row(Calls):
    def __init__(self, library: Calls, plan: Planning) -> None:
        super().__init__(plan)
        self._library = library

    @guarded
    def _begin(self, args: Arguments, kwargs: Keywords) -> tuple[Plan, GenAIOperation] | None:
        self.telemetry = self._library.telemetry
        return super()._begin(args, kwargs)
