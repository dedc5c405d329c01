"""gRPC's interop cases by grpcio: `python -m tests.conformance.peers.python_client CASE HOST:PORT`, exit 0 or 1."""

import queue
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc

PROTO: Final = "tests/conformance/peers/interop.proto"
LARGE, LARGE_ANSWER = 271_828, 314_159
SENT, ANSWERED = (27_182, 8, 1_828, 45_904), (31_415, 9, 2_653, 58_979)
LIMIT = 30.0  # seconds of a call
UNKNOWN_MESSAGE = "test status message"
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
ECHO_INITIAL, ECHO_TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
TRAILING_VALUE = b"\xab\xab\xab"


class Talk:
    """Requests of a stream, given one by one while its answers are read."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def say(self, request: Any) -> None:
        self._requests.put(request)

    def end(self) -> None:
        self._requests.put(None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._requests.get, None)


class Cases:
    """One method a case; AssertionError where gRPC's test description is not met."""

    def __init__(self, protos: Any, services: Any, channel: grpc.Channel) -> None:
        self.protos, self.services, self.channel = protos, services, channel
        self.stub = services.TestServiceStub(channel)

    def empty_unary(self) -> None:
        assert self.stub.EmptyCall(self.protos.Empty(), timeout=LIMIT) == self.protos.Empty()

    def large_unary(self) -> None:
        answer = self.stub.UnaryCall(self._simple(LARGE_ANSWER, LARGE), timeout=LIMIT)
        assert answer.payload.body == bytes(LARGE_ANSWER)

    def client_streaming(self) -> None:
        requests = (self.protos.StreamingInputCallRequest(payload=self._payload(size)) for size in SENT)
        assert self.stub.StreamingInputCall(requests, timeout=LIMIT).aggregated_payload_size == sum(SENT)

    def server_streaming(self) -> None:
        answers = self.stub.StreamingOutputCall(self._output(*ANSWERED), timeout=LIMIT)
        assert [len(answer.payload.body) for answer in answers] == list(ANSWERED)

    def ping_pong(self) -> None:
        talk = Talk()
        answers = self.stub.FullDuplexCall(iter(talk), timeout=LIMIT)
        for sent, wanted in zip(SENT, ANSWERED, strict=True):
            talk.say(self._output(wanted, payload=sent))
            assert len(next(answers).payload.body) == wanted
        talk.end()
        assert list(answers) == []

    def empty_stream(self) -> None:
        assert list(self.stub.FullDuplexCall(iter(()), timeout=LIMIT)) == []

    def timeout_on_sleeping_server(self) -> None:
        talk = Talk()
        answers = self.stub.FullDuplexCall(iter(talk), timeout=0.001)
        talk.say(self._output(payload=27_182))
        self._fails(lambda: list(answers), grpc.StatusCode.DEADLINE_EXCEEDED)
        talk.end()

    def cancel_after_begin(self) -> None:
        talk = Talk()
        answer = self.stub.StreamingInputCall.future(iter(talk), timeout=LIMIT)
        answer.cancel()
        talk.end()
        assert answer.cancelled()
        assert answer.code() is grpc.StatusCode.CANCELLED

    def cancel_after_first_response(self) -> None:
        talk = Talk()
        answers = self.stub.FullDuplexCall(iter(talk), timeout=LIMIT)
        talk.say(self._output(31_415, payload=27_182))
        assert len(next(answers).payload.body) == 31_415
        answers.cancel()
        self._fails(lambda: list(answers), grpc.StatusCode.CANCELLED)
        talk.end()

    def status_code_and_message(self) -> None:
        self._status(UNKNOWN_MESSAGE)
        status = self.protos.EchoStatus(code=2, message=UNKNOWN_MESSAGE)
        request = self.protos.StreamingOutputCallRequest(response_status=status)
        answers = self.stub.FullDuplexCall(iter((request,)), timeout=LIMIT)
        self._fails(lambda: list(answers), grpc.StatusCode.UNKNOWN, UNKNOWN_MESSAGE)

    def special_status_message(self) -> None:
        self._status(SPECIAL_MESSAGE)

    def custom_metadata(self) -> None:
        metadata = ((ECHO_INITIAL, "test_initial_metadata_value"), (ECHO_TRAILING, TRAILING_VALUE))
        _, unary = self.stub.UnaryCall.with_call(self._simple(LARGE_ANSWER, LARGE), metadata=metadata, timeout=LIMIT)
        requests = iter((self._output(314_159, payload=LARGE),))
        stream = self.stub.FullDuplexCall(requests, metadata=metadata, timeout=LIMIT)
        assert len(list(stream)) == 1
        for call in (unary, stream):
            assert dict(call.initial_metadata())[ECHO_INITIAL] == "test_initial_metadata_value"
            assert dict(call.trailing_metadata())[ECHO_TRAILING] == TRAILING_VALUE

    def unimplemented_method(self) -> None:
        call = self.stub.UnimplementedCall
        self._fails(lambda: call(self.protos.Empty(), timeout=LIMIT), grpc.StatusCode.UNIMPLEMENTED)

    def unimplemented_service(self) -> None:
        call = self.services.UnimplementedServiceStub(self.channel).UnimplementedCall
        self._fails(lambda: call(self.protos.Empty(), timeout=LIMIT), grpc.StatusCode.UNIMPLEMENTED)

    def _status(self, message: str) -> None:
        request = self.protos.SimpleRequest(response_status=self.protos.EchoStatus(code=2, message=message))
        self._fails(lambda: self.stub.UnaryCall(request, timeout=LIMIT), grpc.StatusCode.UNKNOWN, message)

    def _fails(self, act: Callable[[], object], code: grpc.StatusCode, details: str | None = None) -> None:
        try:
            act()
        except grpc.RpcError as error:
            assert error.code() is code, error
            assert details in (None, error.details()), error
        else:
            raise AssertionError(f"it succeeded; wanted {code.name}")

    def _payload(self, size: int) -> Any:
        return self.protos.Payload(body=bytes(size))

    def _simple(self, answer: int, payload: int) -> Any:
        return self.protos.SimpleRequest(response_size=answer, payload=self._payload(payload))

    def _output(self, *sizes: int, payload: int = 0) -> Any:
        parameters = [self.protos.ResponseParameters(size=size) for size in sizes]
        return self.protos.StreamingOutputCallRequest(response_parameters=parameters, payload=self._payload(payload))


def main(case: str, address: str) -> int:
    options = [("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0)]
    with grpc.insecure_channel(address, options=options) as channel:
        try:
            getattr(Cases(*grpc.protos_and_services(PROTO), channel), case)()
        except (AssertionError, grpc.RpcError) as error:
            print(f"{type(error).__name__}: {error}".replace("\n", " "), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
