"""gRPC's interop service by grpcio: `python -m tests.conformance.peers.python_server PORT`, until it is ended."""

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc

PROTO: Final = "tests/conformance/peers/interop.proto"
ECHO_INITIAL, ECHO_TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
THREADS: Final = 16
STATUSES: Final = {code.value[0]: code for code in grpc.StatusCode}


def service(protos: Any, services: Any) -> Any:
    """A servicer of TestService. UnimplementedCall is left as generated: it is what it says."""

    class TestService(services.TestServiceServicer):  # type: ignore[misc]  # generated at run time
        def EmptyCall(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
            return protos.Empty()

        def UnaryCall(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
            _echo_metadata(context)
            _end_if_asked(request, context)
            return protos.SimpleResponse(payload=protos.Payload(body=bytes(request.response_size)))

        def StreamingInputCall(self, requests: Iterable[Any], context: grpc.ServicerContext) -> Any:  # noqa: N802
            size = sum(len(request.payload.body) for request in requests)
            return protos.StreamingInputCallResponse(aggregated_payload_size=size)

        def StreamingOutputCall(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
            _end_if_asked(request, context)
            for wanted in request.response_parameters:
                yield protos.StreamingOutputCallResponse(payload=protos.Payload(body=bytes(wanted.size)))

        def FullDuplexCall(self, requests: Iterable[Any], context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
            _echo_metadata(context)
            for request in requests:
                yield from self.StreamingOutputCall(request, context)

    return TestService()


def _echo_metadata(context: grpc.ServicerContext) -> None:
    sent = dict(context.invocation_metadata())
    if ECHO_INITIAL in sent:
        context.send_initial_metadata(((ECHO_INITIAL, sent[ECHO_INITIAL]),))
    if ECHO_TRAILING in sent:
        context.set_trailing_metadata(((ECHO_TRAILING, sent[ECHO_TRAILING]),))


def _end_if_asked(request: Any, context: grpc.ServicerContext) -> None:
    if request.HasField("response_status") and request.response_status.code:
        context.abort(STATUSES[request.response_status.code], request.response_status.message)


def main(port: str) -> None:
    protos, services = grpc.protos_and_services(PROTO)
    server = grpc.server(ThreadPoolExecutor(THREADS))
    services.add_TestServiceServicer_to_server(service(protos, services), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
