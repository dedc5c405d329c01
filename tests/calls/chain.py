"""Three services in a row, the first two of which pass every call on by their own sidecars."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import grpc

from tests.calls.application import Application
from tests.calls.caller import PATH, Caller
from tests.calls.place import guests
from tests.conformance.lane import Lane
from tests.streams.pair import channel
from tests.support.mesh import NAMESPACE, Member

CARRIED = ("x-case", "traceparent")
PATIENCE = 10.0


@dataclass
class Forwarder:
    """A gRPC application that makes a call of its own for each that it is sent, after `delay`, and hands on its end."""

    next_service: str
    delay: float = 0.0
    calls: int = 0
    server: grpc.Server = field(init=False)
    port: int = field(init=False)
    _via: grpc.Channel | None = None

    def __post_init__(self) -> None:
        service, _, method = PATH.removeprefix("/").partition("/")
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self._pass_on)
        self.server = grpc.server(ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def calls_by(self, sidecar: Member) -> None:
        """Its own calls go out there."""
        self._via = channel(str(sidecar.addresses["outbound"]), self.next_service)

    def close(self) -> None:
        if self._via is not None:
            self._via.close()
        self.server.stop(grace=0).wait()

    def _pass_on(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.calls += 1
        time.sleep(self.delay)
        assert self._via is not None
        metadata = tuple((key, value) for key, value in context.invocation_metadata() if key in CARRIED)
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._via.unary_unary(PATH)
        try:
            return ask(request, PATIENCE, metadata)
        except grpc.RpcError as error:
            assert isinstance(error, grpc.Call)
            context.set_trailing_metadata(tuple(error.trailing_metadata() or ()))
            context.abort(error.code(), error.details() or "")
            raise


@dataclass(frozen=True)
class Chain:
    first: Forwarder
    second: Forwarder
    last: Application
    caller: Member

    def connect(self) -> Caller:
        return Caller(str(self.caller.addresses["outbound"]), f"chain-a.{NAMESPACE}")


@contextmanager
def chain(lane: Lane) -> Iterator[Chain]:
    first, second, last = Forwarder("chain-b"), Forwarder("chain-c"), Application()
    with closing(last), closing(second), closing(first), guests(lane):
        a, b = lane.beside("chain-a", first.port), lane.beside("chain-b", second.port)
        lane.beside("chain-c", last.port)
        first.calls_by(a)
        second.calls_by(b)
        caller = lane.caller_of("chain-a")
        lane.allow("chain-b", "chain-a")
        lane.allow("chain-c", "chain-b")
        lane.reaches_any(caller, "chain-a")
        yield Chain(first, second, last, caller)
