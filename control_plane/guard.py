"""What every RPC passes on its way in and out: authentication and authorization first, errors to statuses last.

Servicers therefore raise errors of `control_plane.errors` and never abort by themselves; unary methods are coroutines,
streaming ones asynchronous generators.
"""

import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn, TypeAlias, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.status_pb2 import Status

from control_plane.auth import authorize
from control_plane.brevity import shortened
from control_plane.caller import CallerOf
from control_plane.errors import ControlPlaneError, status_of

DETAILS_KEY = "grpc-status-details-bin"

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Observe = Callable[[str, grpc.StatusCode], None]
"""Told the method and the status of every call that ended."""

log = logging.getLogger(__name__)


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every handler of the server."""

    def __init__(self, caller: CallerOf, observe: Observe) -> None:
        self._caller = caller
        self._observe = observe

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        if handler.response_streaming:
            kind = grpc.stream_stream_rpc_method_handler
            if not handler.request_streaming:
                kind = cast(Any, grpc.unary_stream_rpc_method_handler)
            behaviour = self._streaming(method, handler.stream_stream or cast(Any, handler.unary_stream))
        else:
            kind = cast(Any, grpc.unary_unary_rpc_method_handler)
            if handler.request_streaming:
                kind = cast(Any, grpc.stream_unary_rpc_method_handler)
            behaviour = self._unary(method, handler.unary_unary or cast(Any, handler.stream_unary))
        return kind(cast(Any, behaviour), handler.request_deserializer, handler.response_serializer)

    def _unary(self, method: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        async def guarded(request: Any, context: Context) -> Any:
            try:
                authorize(self._caller(context), method)
                response = await inner(request, context)
            except Exception as error:
                await self._abort(context, method, error)
            self._observe(method, grpc.StatusCode.OK)
            return response

        return guarded

    def _streaming(self, method: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
            try:
                authorize(self._caller(context), method)
                async with aclosing(cast(AsyncGenerator[Any, None], inner(request, context))) as responses:
                    async for response in responses:
                        yield response
            except Exception as error:
                await self._abort(context, method, error)
            self._observe(method, grpc.StatusCode.OK)

        return guarded

    async def _abort(self, context: Context, method: str, error: Exception) -> NoReturn:
        status = status_of(error)
        self._observe(method, status)
        if status is grpc.StatusCode.INTERNAL:
            log.error("%s failed", method, exc_info=sys.exc_info())
        text = str(error) if isinstance(error, ControlPlaneError) else "internal error: see the control plane's log"
        text = shortened(text)
        await context.abort(status, text, _trailers(error, status, text))


def _trailers(error: Exception, status: grpc.StatusCode, text: str) -> tuple[tuple[str, bytes], ...]:
    detail = error.detail() if isinstance(error, ControlPlaneError) else None
    if detail is None:
        return ()
    packed = AnyMessage()
    packed.Pack(detail)
    return ((DETAILS_KEY, Status(code=status.value[0], message=text, details=[packed]).SerializeToString()),)
