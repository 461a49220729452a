"""OTLP/gRPC: the server behind `otelml.viewer.receiver`. Importing this module imports grpc."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.message import DecodeError, Message

from otelml.viewer.otlp import Signal

logger = logging.getLogger(__name__)

_STOP_SECONDS = 2


class OtlpGrpcServer:
    """Listens from its construction on, answers from `start` on."""

    def __init__(self, host: str, port: int, sink: Callable[[Signal, Message], None], max_bytes: int) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=8, thread_name_prefix="otlp-grpc"),
            options=[
                ("grpc.max_receive_message_length", max_bytes),
                # Without this a second receiver on the same port would start, and each would get some of the telemetry.
                ("grpc.so_reuseport", 0),
            ],
        )
        self._server.add_generic_rpc_handlers(tuple(_service(signal, sink) for signal in Signal))
        address = f"[{host}]" if ":" in host else host
        try:
            self.port: int = self._server.add_insecure_port(f"{address}:{port}")
        except RuntimeError as error:
            raise OSError(f"can't listen on {address}:{port}") from error

    def start(self) -> None:
        """Start to answer."""
        self._server.start()

    def stop(self) -> None:
        """Refuse new requests and wait until those in progress are answered."""
        self._server.stop(_STOP_SECONDS).wait()


def _service(signal: Signal, sink: Callable[[Signal, Message], None]) -> grpc.GenericRpcHandler:
    def export(body: bytes, context: grpc.ServicerContext) -> Message:
        request = signal.request()
        # Decoded here and not by grpc, which would call a malformed message an internal error of the server.
        try:
            request.ParseFromString(body)
        except DecodeError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"not an {type(request).__name__}: {error}")
        try:
            sink(signal, request)
        except Exception:
            logger.exception("%s were received and could not be handled", signal.value)
            context.abort(grpc.StatusCode.INTERNAL, "see the receiver's log")
        return signal.response()

    handler: grpc.RpcMethodHandler[bytes, Message]
    handler = grpc.unary_unary_rpc_method_handler(export, response_serializer=signal.response.SerializeToString)
    return grpc.method_handlers_generic_handler(signal.grpc_service, {"Export": handler})
