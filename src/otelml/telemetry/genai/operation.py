"""The life of one GenAI call: started, then answered or failed, once."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml.observations.genai import GenAICall
from otelml.semconv import attributes as names
from otelml.telemetry.errors import error_type
from otelml.telemetry.genai import finishing
from otelml.telemetry.genai.facts import NO_ANSWER, Answer, Content, Request, Server
from otelml.telemetry.genai.nesting import Owner
from otelml.telemetry.genai.target import Target
from otelml.telemetry.genai.timing import StreamFigures

if TYPE_CHECKING:
    from otelml.telemetry.genai.estimating import Estimate
    from otelml.telemetry.genai.handler import GenAITelemetry

_NO_STREAM = StreamFigures()


class GenAIOperation:
    """One call. It ends once, whoever ends it first; no method raises into the host.

    Attributes:
        telemetry: where it is reported.
        request: what was asked.
        server: who was asked.
        target: what it is reported as.
        owner: who else has a span for the call, in place of ours.
        content: what the model was told; None where content is not wanted.
        estimate: counts the tokens of its stream, where there is a tokenizer and the provider may not tell.
        outside: the context of the host's call.
        context: the same with the call's span; current while the host's call runs.
        span: ours, or one that records nothing.
        began: by `perf_counter_ns`.
    """

    __slots__ = (
        "_open",
        "began",
        "content",
        "context",
        "estimate",
        "extra",
        "outside",
        "owner",
        "request",
        "server",
        "span",
        "target",
        "telemetry",
    )

    def __init__(
        self,
        telemetry: GenAITelemetry,
        request: Request,
        server: Server,
        target: Target,
        owner: Owner | None,
        outside: Context,
        extra: Mapping[str, AttributeValue] | None,
    ) -> None:
        self.telemetry = telemetry
        self.request = request
        self.server = server
        self.target = target
        self.owner = owner
        self.outside = outside
        self.extra = extra
        self.span: Span = INVALID_SPAN
        self.context = outside
        self.content: Content | None = None
        self.estimate: Estimate | None = None
        self._open = [True]
        self.began = perf_counter_ns()

    @guarded
    def stop(self, answer: Answer = NO_ANSWER, stream: StreamFigures = _NO_STREAM, ended: int | None = None) -> None:
        """End a call that was answered.

        Args:
            answer: what came back.
            stream: the times of a streamed answer.
            ended: when it ended, by `perf_counter_ns`; now by default.
        """
        self._end(answer, stream, answer.error, None, ended, {})

    @guarded
    def fail(self, error: BaseException, answer: Answer = NO_ANSWER, stream: StreamFigures = _NO_STREAM) -> None:
        """End a call by the host's exception, with what had been answered until then."""
        self._end(answer, stream, error_type(error), error, None, {})

    @guarded
    def abandon(self, answer: Answer, stream: StreamFigures, ended: int) -> None:
        """End a stream that the application left before its end: no error, and ended when it was last read."""
        self._end(answer, stream, answer.error, None, ended, {names.ML_GEN_AI_RESPONSE_ABANDONED: True})

    def _end(
        self,
        answer: Answer,
        stream: StreamFigures,
        failed: str | None,
        error: BaseException | None,
        ended: int | None,
        attributes: dict[str, AttributeValue],
    ) -> None:
        try:
            self._open.pop()  # atomic: the end of a stream, its close and its finaliser may meet in several threads
        except IndexError:
            return
        now = perf_counter_ns()
        duration = ((now if ended is None else ended) - self.began) * 1e-9
        try:
            self._report(answer, stream, failed, error, duration, attributes)
        finally:
            if self.span is not INVALID_SPAN:
                self.span.end(None if ended is None else time_ns() - (now - ended))

    def _report(
        self,
        answer: Answer,
        stream: StreamFigures,
        failed: str | None,
        error: BaseException | None,
        duration: float,
        attributes: dict[str, AttributeValue],
    ) -> None:
        recording = self.span.is_recording()
        if recording:
            finishing.describe(attributes, answer, stream, self.request.metered)
            if failed is not None:
                attributes[names.ERROR_TYPE] = failed
                self.span.set_status(Status(StatusCode.ERROR, self.telemetry.message_of(error)))
        if self.telemetry.observers:
            self._observe(answer, stream, failed, duration, attributes, recording=recording)
        if self.telemetry.content.wanted or self.telemetry.content.emits_event:
            self.telemetry.tell_content(self, answer, attributes)
        if recording:
            self.span.set_attributes(attributes)
        finishing.record(self, answer, stream, failed, duration)

    def _observe(
        self,
        answer: Answer,
        stream: StreamFigures,
        failed: str | None,
        duration: float,
        attributes: dict[str, AttributeValue],
        *,
        recording: bool,
    ) -> None:
        request = self.request
        call = GenAICall(
            provider=self.server.provider,
            operation=request.operation,
            request_model=request.model,
            response_model=answer.model,
            response_id=answer.id,
            finish_reasons=answer.finish_reasons,
            usage=answer.usage,
            duration=duration,
            time_to_first_chunk=stream.to_first_chunk,
            chunks=stream.chunks,
            error_type=failed,
            conversation_id=request.conversation_id or answer.conversation_id,
            server_address=self.server.address,
            context=self.outside,
            span_owner=None if self.owner is None else self.owner.scope,
            recording=recording,
        )
        for observer in self.telemetry.observers:
            found: Any = _told(observer, call)
            if found:
                attributes.update(found)


@guarded
def _told(observer: Any, call: GenAICall) -> Mapping[str, AttributeValue] | None:
    found: Mapping[str, AttributeValue] | None = observer.observe_genai(call)
    return found
