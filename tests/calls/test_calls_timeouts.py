"""Time: what the caller gave is law, `perTry` bounds the wait for an answer alone, and nobody adds a cap unasked."""

from collections.abc import Iterator

import pytest

from tests.calls.application import answer, silence, status
from tests.calls.caller import Answer
from tests.calls.place import Place, settled
from tests.calls.ticking import MESSAGES, ticking
from tests.conformance import frames as f
from tests.conformance.lane import Lane
from tests.support.mesh import NAMESPACE

pytestmark = pytest.mark.real

PER_TRY = 0.3  # seconds
STREAM, UNARY, UNDECLARED = "/raw.v1.Raw/Stream", "/raw.v1.Raw/Unary", "/raw.v1.Raw/Undeclared"
METHODS = f"""
apiVersion: tulle.dev/v1
kind: Service
metadata: {{name: timely, namespace: {NAMESPACE}}}
spec:
  methods:
  - {{name: "{UNARY.removeprefix("/")}", kind: unary, idempotent: true}}
  - {{name: "{STREAM.removeprefix("/")}", kind: serverStreaming}}
"""
# gRPC over HTTP/2, "Requests": at most 8 digits and one of H M S m u n.
MALFORMED = ("100000000m", "1s", "5 S", "", "-1S", "1", "m", "1.5S", "+1S", "1Ss", "1mS")
LONG = ("99999999H", "99999999S", "99999999m", "2562048H")
PASSED = ("0n", "1n", "0H")
SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@pytest.fixture(scope="module")
def timely(calls_lane: Lane) -> Iterator[Place]:
    with settled(calls_lane, "timely") as place:
        calls_lane.apply(METHODS)
        place.app.scripts |= {"ticks": ticking(place.app), "silence": silence, "ok": answer(), "failed": status(9)}
        yield place


@pytest.fixture(scope="module")
def hurried(timely: Place) -> Place:
    """The same under `perTry`."""
    timely.policy(f"timeouts: {{perTry: {round(PER_TRY * 1000)}ms}}")
    return timely


def told(place: Place) -> float | None:
    """Seconds that the application was given for the last call."""
    value = place.app.calls[-1].value("grpc-timeout")
    return None if value is None else int(value[:-1]) * SECONDS[value[-1]]


@pytest.mark.parametrize("path", [UNARY, STREAM, UNDECLARED])
def test_a_call_without_a_deadline_is_given_none(path: str, timely: Place) -> None:
    with timely.connect() as caller:
        assert caller.call(path=path).status == "0"
    assert told(timely) is None


@pytest.mark.parametrize("given", MALFORMED)
def test_a_timeout_that_is_none_goes_on_as_it_is_and_adds_no_deadline(given: str, timely: Place) -> None:
    with timely.connect() as caller:
        seen = caller.call(("x-case", "ok"), ("grpc-timeout", given), path=UNARY)
    assert seen.status == "0", seen.told()
    values = [value for name, value in timely.app.calls[-1].fields if name == "grpc-timeout"]
    assert values == [given]


@pytest.mark.parametrize("given", LONG)
def test_the_longest_timeouts_are_no_failure(given: str, timely: Place) -> None:
    with timely.connect() as caller:
        seen = caller.call(("x-case", "ok"), ("grpc-timeout", given), path=UNARY)
    assert seen.status == "0", seen.told()
    left, asked = told(timely), int(given[:-1]) * SECONDS[given[-1]]
    assert left is not None
    assert asked * 0.99 <= left <= asked


@pytest.mark.parametrize("given", PASSED)
def test_a_timeout_of_nothing_has_passed(given: str, timely: Place) -> None:
    with timely.connect() as caller:
        seen = caller.call(("x-case", "silence"), ("grpc-timeout", given))
    assert seen.status == "4", seen.told()


def test_a_deadline_that_ends_a_stream_with_answers_does_not_say_that_none_came(timely: Place) -> None:
    with timely.connect() as caller:
        seen = caller.case("ticks", ("grpc-timeout", "350m"))
    assert (seen.status, seen.reason) == ("4", "deadline"), seen.told()
    assert messages(seen) >= 2
    assert "waiting for an answer" not in seen.text, "several came"


@pytest.mark.parametrize("deadline", [None, "60S"], ids=["without a deadline", "with a minute"])
@pytest.mark.parametrize("path", [STREAM, UNDECLARED])
def test_per_try_is_silent_once_a_stream_has_answered(path: str, deadline: str | None, hurried: Place) -> None:
    given = (("grpc-timeout", deadline),) if deadline else ()
    with hurried.connect() as caller:
        seen = caller.call(("x-case", "ticks"), *given, path=path)
    assert (seen.status, messages(seen)) == ("0", MESSAGES), seen.told()
    left = told(hurried)
    assert left is None if deadline is None else left is not None and left > 50, (
        "the attempt's time is not the stream's"
    )


def test_per_try_is_told_to_a_unary_method(hurried: Place) -> None:
    with hurried.connect() as caller:
        assert caller.call(("grpc-timeout", "60S"), path=UNARY).status == "0"
    left = told(hurried)
    assert left is not None
    assert left <= PER_TRY


def test_per_try_ends_the_wait_for_an_answer(hurried: Place) -> None:
    with hurried.connect() as caller:
        seen = caller.call(("x-case", "silence"), path=UNARY)
    assert (seen.status, seen.reason) == ("4", "deadline"), seen.told()


def messages(seen: Answer) -> int:
    """How many came."""
    return seen.body.count(f.message(b"tick"))
