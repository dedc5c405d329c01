"""Calls that say nothing for long live, by a grpcio server of default options, and no application is pinged."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tests.calls.application import Application, silence
from tests.calls.place import guests, settled
from tests.conformance import frames as f
from tests.conformance.lane import Lane
from tests.streams.pair import channel
from tests.support.mesh import NAMESPACE
from tests.support.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

SILENCE = 90.0  # seconds
WITHIN_CAP = 17.0  # seconds; a cap of 15 was once added to declared unary calls
QUIET = "quiet.v1.Quiet"
DECLARED = f"""
apiVersion: tulle.dev/v1
kind: Service
metadata: {{name: quiet, namespace: {NAMESPACE}}}
spec: {{methods: [{{name: "{QUIET}/Declared", kind: unary}}]}}
"""


def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
    time.sleep(float(request))
    return b"late"


def stream(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    yield b"first"
    time.sleep(float(request))
    yield b"last"


@pytest.fixture(scope="module")
def quiet(calls_lane: Lane) -> Iterator[grpc.Channel]:
    """By both sidecars to a server of default options."""
    server = grpc.server(ThreadPoolExecutor(8))
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Declared": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(QUIET, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with guests(calls_lane):
            calls_lane.beside("quiet", port)
            caller = calls_lane.caller_of("quiet")
            calls_lane.apply(DECLARED)
            calls_lane.reaches_any(caller, "quiet")
            with channel(str(caller.addresses["outbound"]), "quiet") as via:
                yield via
    finally:
        server.stop(grace=0).wait()


def test_a_unary_and_a_stream_that_are_silent_for_90_seconds_end_ok(quiet: grpc.Channel) -> None:
    said = str(SILENCE).encode()
    begun = time.monotonic()
    ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = quiet.unary_unary(f"/{QUIET}/Unary")
    watch: grpc.UnaryStreamMultiCallable[bytes, bytes] = quiet.unary_stream(f"/{QUIET}/Stream")
    pending = ask.future(said)
    assert list(watch(said)) == [b"first", b"last"]
    assert pending.result() == b"late"
    assert time.monotonic() - begun >= SILENCE


def test_a_declared_unary_call_without_a_deadline_has_all_the_time_it_takes(quiet: grpc.Channel) -> None:
    ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = quiet.unary_unary(f"/{QUIET}/Declared")
    assert ask(str(WITHIN_CAP).encode()) == b"late"


def test_an_application_is_never_pinged(calls_lane: Lane) -> None:
    with settled(calls_lane, "unpinged") as place, place.connect() as caller:
        place.app.scripts["silence"] = silence
        held = caller.begin(("x-case", "silence"))
        end = time.monotonic() + SILENCE
        until(lambda: time.monotonic() > end or pings(place.app), "the silence or a PING", SILENCE + 5)
        assert pings(place.app) == 0
        assert caller.answers[held].status is None


def pings(app: Application) -> int:
    """Those that ask, over all connections."""
    return sum(not frame.flags & f.ACK for conversation in app.conversations for frame in conversation.told(f.PING))
