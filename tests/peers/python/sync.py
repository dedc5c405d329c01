"""grpcio with threads as a server of the contract; its first line says the port."""

import argparse
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from tests.peers.proto import peers_pb2 as pb
from tests.peers.proto import peers_pb2_grpc
from tests.peers.python import contract
from tests.peers.python.kept import Kept

THREADS = 64


class Call:
    """One execution: `gone` is set when the call is over for its caller."""

    def __init__(self, kept: Kept, ask: pb.Ask, context: Any) -> None:
        self._kept, self._context = kept, context
        self._one = kept.begin(ask.key, context)
        self.gone = threading.Event()
        if not context.add_callback(self._over):
            self._over()
        context.set_trailing_metadata(contract.trailers(ask))
        if ask.head:
            context.send_initial_metadata(contract.fields(ask.head))
        if ask.raises:
            self.end(ask)
            raise RuntimeError("the handler raised")
        self.gone.wait(ask.sleep_ms / 1000)

    def end(self, ask: pb.Ask) -> None:
        """Raises what ends a call that is to fail."""
        if not self.gone.is_set():
            self._kept.end(self._one, pb.ENDED)
        if ask.fail_code:
            self._context.abort(contract.code(ask), ask.fail_text)

    def _over(self) -> None:
        self._kept.end(self._one, pb.CANCELLED)
        self.gone.set()


class Peers(peers_pb2_grpc.PeersServicer):
    """The methods."""

    def __init__(self) -> None:
        self._kept = Kept()

    def Unary(self, request: pb.Ask, context: Any) -> pb.Answer:  # noqa: N802 - gRPC's names
        Call(self._kept, request, context).end(request)
        return contract.answer(request)

    def Again(self, request: pb.Ask, context: Any) -> pb.Answer:  # noqa: N802
        return self.Unary(request, context)

    def Down(self, request: pb.Ask, context: Any) -> Iterator[pb.Answer]:  # noqa: N802
        call = Call(self._kept, request, context)
        for number in range(request.count):
            if number:
                call.gone.wait(request.interval_ms / 1000)
            if call.gone.is_set():
                return
            yield contract.answer(request)
        call.end(request)

    def Up(self, request_iterator: Iterator[pb.Ask], context: Any) -> pb.Answer:  # noqa: N802
        came, call, first = pb.Answer(), None, pb.Ask()
        for ask in request_iterator:
            if call is None:
                call, first = Call(self._kept, ask, context), ask
            came.received_bytes += len(ask.blob)
            came.received_messages += 1
        if call is not None:
            call.end(first)
        return came

    def Bidi(self, request_iterator: Iterator[pb.Ask], context: Any) -> Iterator[pb.Answer]:  # noqa: N802
        call, first = None, pb.Ask()
        for ask in request_iterator:
            if call is None:
                call, first = Call(self._kept, ask, context), ask
            yield contract.answer(ask)
        if call is not None:
            call.end(first)

    def Executions(self, request: pb.Prefix, context: Any) -> pb.Record:  # noqa: N802
        return self._kept.of(request.key)


def serve(port: int, max_connection_age_ms: int) -> None:
    """Until SIGTERM."""
    server = grpc.server(ThreadPoolExecutor(THREADS), options=contract.options(max_connection_age_ms))
    peers_pb2_grpc.add_PeersServicer_to_server(Peers(), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print(json.dumps({"port": bound}), flush=True)
    signal.sigwait([signal.SIGTERM])
    server.stop(grace=0).wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--max-connection-age-ms", type=int, default=0)
    given = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    serve(given.port, given.max_connection_age_ms)


if __name__ == "__main__":
    main()
