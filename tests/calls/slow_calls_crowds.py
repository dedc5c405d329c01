"""What takes a minute: cancels, connections that grow old, a pool of threads that is full, slow readers."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import grpc
import pytest

from tests.calls.application import answer, silence
from tests.calls.applications import SERVING, Checks, grpc_application
from tests.calls.caller import PATH, Caller
from tests.calls.cancels import cancel_much
from tests.calls.place import guests, settled
from tests.calls.slow_reader import SlowReader
from tests.conformance.lane import Lane
from tests.streams.pair import channel
from tests.support.mesh import NAMESPACE, Member
from tests.support.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

MINUTE = 60.0
GRACE = 30.0
GREAT = 4 << 20
CALLERS = 8
MIB = 1 << 20


@pytest.mark.parametrize("message", [b"?", None], ids=["unary", "streams"])
def test_a_caller_that_cancels_for_a_minute_hurts_nobody(message: bytes | None, calls_lane: Lane) -> None:
    with settled(calls_lane, "cancelled") as place:
        place.app.scripts["silence"] = silence
        cancel_much(place, message, MINUTE)


def test_connections_that_live_a_second_cost_no_call(calls_lane: Lane) -> None:
    """8 callers of 4 MiB answers; each call is executed once."""
    executions = [0]

    def great(request: bytes, context: grpc.ServicerContext) -> bytes:
        executions[0] += 1  # one at a time, as the interpreter has it
        return bytes(GREAT)

    aged = (("grpc.max_connection_age_ms", 1_000), ("grpc.max_connection_age_grace_ms", 10_000))
    with (
        grpc_application(handler=great, workers=CALLERS, options=aged) as port,
        beside(calls_lane, "aged", port) as caller,
    ):
        before, calls, failed = executions[0], 0, list[str]()
        end = time.monotonic() + MINUTE

        def call() -> int:
            made = 0
            with channel(str(caller.addresses["outbound"]), "aged") as via:
                ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = via.unary_unary(PATH)
                while time.monotonic() < end:
                    made += 1
                    try:
                        assert len(ask(b"?", 30)) == GREAT
                    except grpc.RpcError as error:
                        failed.append(str(error))
            return made

        with ThreadPoolExecutor(CALLERS) as pool:
            calls = sum(one.result() for one in [pool.submit(call) for _ in range(CALLERS)])
    assert not failed, f"{len(failed)} of {calls}, the first by {failed[0]}"
    assert executions[0] - before == calls


def test_an_application_whose_threads_are_all_at_work_is_not_taken_for_dead(calls_lane: Lane) -> None:
    """Two threads, two calls of 40 s; health waits for a thread like everybody, and so does a third call."""
    free = threading.Event()

    def held(request: bytes, context: grpc.ServicerContext) -> bytes:
        if request == b"hold":
            free.wait(MINUTE)
        return request

    checks = Checks(overall=SERVING)
    with (
        grpc_application(handler=held, checks=checks, workers=2) as port,
        beside(calls_lane, "busy", port) as caller,
        channel(str(caller.addresses["outbound"]), "busy") as via,
    ):
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = via.unary_unary(PATH)
        holding = [ask.future(b"hold", 90) for _ in range(2)]
        waiting = ask.future(b"third", 90)
        end = time.monotonic() + 40
        while time.monotonic() < end:
            assert calls_lane.healthy_instances("busy"), "it serves two calls"
            time.sleep(2)
        free.set()
        assert [one.result() for one in (*holding, waiting)] == [b"hold", b"hold", b"third"]


@pytest.mark.parametrize("whose", ["caller", "callee"])
def test_a_mebibyte_comes_whole_to_a_reader_of_64_kib_a_second_though_a_sidecar_stops(
    whose: str, calls_lane: Lane
) -> None:
    with settled(calls_lane, "mebibyte", "--limit", "stream_window_bytes=2097152") as place:
        place.app.scripts["long"] = answer(message=bytes(MIB))
        sidecar = {"caller": place.caller, "callee": place.callee}[whose].sidecar
        reader = SlowReader(place.outbound, place.authority, per_second=64 << 10, window=2 << 20)
        with closing(reader.peer):
            reader.read_for(1.5)
            sidecar.process.terminate()
            reader.read_for(GRACE)
        assert (reader.body, reader.is_whole) == (MIB + 5, True)
        assert sidecar.process.wait(GRACE) == 0


def test_a_new_tenant_of_a_port_gets_no_call_of_its_old_one(calls_lane: Lane) -> None:
    """The sidecar of one service dies without a word, and another service's takes its port within its lease."""
    with settled(calls_lane, "tenant") as place, grpc_application() as port, guests(calls_lane):
        address = str(place.callee.addresses["inbound"])
        place.callee.sidecar.kill()
        calls_lane.allow("other", "caller")
        calls_lane.join("other", port, ("--inbound", address))
        with place.connect() as old, Caller(place.outbound, f"other.{NAMESPACE}") as new:
            assert until(lambda: new.call().status == "0", "calls to the new tenant", 5)
            seen = old.call()
            assert seen.status == "14", seen.told()
        assert not calls_lane.healthy_instances("other") & calls_lane.healthy_instances("tenant")


@contextmanager
def beside(lane: Lane, name: str, port: int) -> Iterator[Member]:
    """A caller of the application on that port, by both sidecars."""
    with guests(lane):
        lane.beside(name, port)
        caller = lane.caller_of(name)
        lane.reaches_any(caller, name)
        yield caller
