"""Applications whose health is not what a check expects: behind a login, of other names, mute, no gRPC at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.calls.caller import PATH

SERVICE, METHOD = PATH.removeprefix("/").split("/")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
Handler = Callable[[bytes, grpc.ServicerContext], bytes]


class Checks(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Knows these names alone, "" among them or not; any other is NOT_FOUND."""

    def __init__(self, **states: int) -> None:
        self.states = {"" if name == "overall" else name: state for name, state in states.items()}

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if request.service not in self.states:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service!r}")
        return health_pb2.HealthCheckResponse(status=self.states[request.service])


class Login(grpc.ServerInterceptor):
    """Nobody gets in without a token, to health neither."""

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        if ("authorization", "Bearer t") in details.invocation_metadata:
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


def _refuse(request: Any, context: grpc.ServicerContext) -> Any:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "a token is needed")


def _same(request: bytes, context: grpc.ServicerContext) -> bytes:
    return request


@contextmanager
def grpc_application(
    host: str = "127.0.0.1",
    *,
    checks: Checks | None = None,
    garbage: bytes | None = None,
    interceptors: tuple[grpc.ServerInterceptor, ...] = (),
    handler: Handler = _same,
    workers: int = 8,
    options: tuple[tuple[str, int], ...] = (),
) -> Iterator[int]:
    """A grpcio server that answers `PATH`; its port."""
    server = grpc.server(
        ThreadPoolExecutor(workers), interceptors=list(interceptors), options=(("grpc.so_reuseport", 0), *options)
    )
    _add(server, SERVICE, METHOD, handler)
    if garbage is not None:
        _add(server, "grpc.health.v1.Health", "Check", lambda request, context: garbage)
    if checks is not None:
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port(f"{host}:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=0).wait()


def _add(server: grpc.Server, service: str, method: str, handler: Handler) -> None:
    unary: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(handler)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: unary}),))


@contextmanager
def bytes_application(answer: bytes) -> Iterator[int]:
    """Answers whatever comes with these bytes, and ends the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            with suppress(OSError):
                sock, _ = listener.accept()
                with sock:
                    sock.recv(4096)
                    sock.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
