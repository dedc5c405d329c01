"""A call is executed as often as its policy says and no more, whoever else retries, and whatever is claimed."""

import json
from collections.abc import Iterator

import grpc
import pytest

from tests.calls.application import Fields, alone, answer, silence, status
from tests.calls.caller import PATH
from tests.calls.chain import Chain, chain
from tests.calls.place import Place, settled, traffic
from tests.conformance import frames as f
from tests.conformance.lane import Lane
from tests.conformance.scripted_server import Conversation
from tests.support.waiting import until

pytestmark = pytest.mark.real

ATTEMPTS = 2
CLIENTS_OWN = 3
BACKOFF = "backoff: {base: 1ms, max: 2ms}"
RETRIED = f"retry: {{attempts: {ATTEMPTS}, idempotent: true, on: [UNAVAILABLE, DEADLINE_EXCEEDED], {BACKOFF}}}"
COUNT = "grpc-previous-rpc-attempts"
REASONS = ("draining", "connect_failed", "no_endpoints")
CLIENT = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": CLIENTS_OWN,
                "initialBackoff": "0.01s",
                "maxBackoff": "0.02s",
                "backoffMultiplier": 1,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


@pytest.fixture(scope="module")
def once(calls_lane: Lane) -> Iterator[Place]:
    """No policy speaks of retries."""
    with settled(calls_lane, "once") as place:
        yield place


@pytest.fixture(scope="module")
def unsafe(calls_lane: Lane) -> Iterator[Place]:
    """Retries are asked for, and nobody says that the method may be executed twice."""
    with settled(calls_lane, "again") as place:
        place.app.scripts |= {"unavailable": status(14), "lost": lost, "silence": silence}
        place.policy(RETRIED.replace("idempotent: true", "idempotent: false"))
        yield place


@pytest.fixture(scope="module")
def again(unsafe: Place) -> Place:
    """May be executed twice."""
    unsafe.policy(f"{RETRIED}\n  timeouts: {{perTry: 300ms}}")
    return unsafe


@pytest.fixture(scope="module")
def three(calls_lane: Lane) -> Iterator[Chain]:
    with chain(calls_lane) as found:
        calls_lane.apply("---".join(traffic(f"chain-{letter}", RETRIED) for letter in "abc"))
        found.last.scripts["unavailable"] = status(14)
        yield found


def lost(conversation: Conversation, stream: int) -> None:
    """The connection ends in the middle of the call."""
    conversation.peer.stop()


def well(place: Place) -> None:
    """Wait until calls are let in, so that no test inherits an ejection."""
    with place.connect() as caller:
        until(lambda: caller.call().status == "0", "a call that is let in", 5)


def executions(place: Place, case: str, *more: tuple[str, str]) -> tuple[int, str]:
    """How often a call of this case reached the application, and its answer in words."""
    well(place)
    before = len(place.app.of(case))
    with place.connect() as caller:
        seen = caller.case(case, *more)
    return len(place.app.of(case)) - before, seen.told()


@pytest.mark.parametrize("case", ["unavailable", "lost"])
def test_a_call_that_is_not_idempotent_is_executed_once(case: str, unsafe: Place) -> None:
    times, told = executions(unsafe, case)
    assert times == 1, told


def test_a_refused_stream_is_sent_again_in_any_case(unsafe: Place) -> None:
    def refuse_the_first(conversation: Conversation, stream: int) -> None:
        if len(unsafe.app.of("refused")) == 1:
            conversation.requests.pop(stream, None)
            conversation.send(f.rst_stream(stream, f.REFUSED_STREAM))
        else:
            conversation.answer(stream)

    unsafe.app.scripts["refused"] = refuse_the_first
    with unsafe.connect() as caller:
        seen = caller.case("refused")
    assert seen.status == "0", seen.told()
    assert len(unsafe.app.of("refused")) == 2


@pytest.mark.parametrize("case", ["unavailable", "lost", "silence"])
def test_a_call_that_may_be_executed_twice_is_executed_as_often_as_its_policy_says(case: str, again: Place) -> None:
    times, told = executions(again, case)
    assert times == ATTEMPTS, told


def test_a_clients_own_count_of_attempts_is_never_made_smaller(again: Place) -> None:
    well(again)
    before = len(again.app.of("unavailable"))
    with again.connect() as caller:
        caller.case("unavailable", (COUNT, "3"))
    counts = [int(call.value(COUNT) or "0") for call in again.app.of("unavailable")[before:]]
    assert counts
    assert counts == sorted(counts)
    assert counts[0] >= 3, counts


def test_a_client_that_retries_itself_does_not_multiply_with_us(again: Place) -> None:
    well(again)
    before = len(again.app.of("unavailable"))
    options: list[tuple[str, str | int]] = [
        ("grpc.enable_retries", 1),
        ("grpc.service_config", json.dumps(CLIENT)),
        ("grpc.default_authority", again.authority),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
    ]
    with grpc.insecure_channel(again.outbound, options) as via:
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = via.unary_unary(PATH)
        with pytest.raises(grpc.RpcError):
            ask(b"?", 10, (("x-case", "unavailable"),))
    came = [call.value(COUNT) or "0" for call in again.app.of("unavailable")[before:]]
    assert len(came) > 1, "somebody retried"
    assert len(came) <= max(ATTEMPTS, CLIENTS_OWN), f"attempts made before, as the application reads: {came}"
    assert came == sorted(came, key=int)


def test_three_services_that_all_retry_execute_a_call_as_often_as_one_would(three: Chain) -> None:
    with three.connect() as caller:
        seen = caller.case("unavailable", ("traceparent", f"00-{1:032x}-{1:016x}-01"))
    assert seen.status == "14", seen.told()
    counts = three.first.calls, three.second.calls, len(three.last.of("unavailable"))
    assert max(counts) <= ATTEMPTS, counts


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("where", ["trailers alone", "trailers", "head"])
def test_an_application_cannot_speak_for_the_mesh(reason: str, where: str, once: Place) -> None:
    claim = ("tulle-reason", reason)
    failed: Fields = (("grpc-status", "14"), ("grpc-message", "mine"))
    scripts = {
        "trailers alone": alone(*failed, claim),
        "trailers": answer(message=None, trailers=(*failed, claim)),
        "head": answer(head=(claim,), message=None, trailers=failed),
    }
    once.app.scripts["claimed"] = scripts[where]
    before = len(once.app.of("claimed"))
    with once.connect() as caller:
        seen = caller.case("claimed")
    times = len(once.app.of("claimed")) - before
    assert times == 1, f"executed {times} times, {seen.told()}"
    assert (seen.status, seen.text, seen.reason) == ("14", "mine", None), seen.told()
