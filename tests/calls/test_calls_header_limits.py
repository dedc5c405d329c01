"""Header lists over a limit, at either hop and in both directions, cost their call alone."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.calls.application import ENDS, Application, Fields, alone, answer
from tests.calls.caller import Answer, Caller
from tests.calls.place import guests
from tests.conformance.lane import Lane
from tests.streams.raw import block
from tests.support.mesh import NAMESPACE, Member

pytestmark = pytest.mark.real

KIB = 1 << 10
OTHERS = 40  # calls in flight on the same connections
PER_FIELD = 32  # bytes that a field counts beside its own (RFC 9113 §6.5.2)
MOST_BYTES, MOST_FIELDS = 16 * KIB, 128
NAMES_OF_BYTES = ("max_header_list_bytes", "16384", "16,384", "16 KiB")
NAMES_OF_FIELDS = ("max_header_fields", "128 fields", "10000 fields", "10,000 fields")
WIDE = ("max_header_list_bytes=1048576", "max_header_fields=10000", "max_continuation_frames=1000")


@dataclass(frozen=True)
class Lists:
    """`narrow` and `wide` callers of the services `narrow` and `wide`, which are one application."""

    app: Application
    callers: dict[str, Member]

    def way(self, hop: str) -> Caller:
        caller, _, service = hop.partition(" to ")
        return Caller(str(self.callers[caller].addresses["outbound"]), f"{service}.{NAMESPACE}")


HOPS = ("narrow to narrow", "wide to narrow", "narrow to wide")


@pytest.fixture(scope="module")
def lists(calls_lane: Lane) -> Iterator[Lists]:
    app = Application()
    app.scripts["held"] = app.answer_after(0.2)
    flags = tuple(part for limit in WIDE for part in ("--limit", limit))
    with guests(calls_lane), closing(app):
        for service, given in (("narrow", ()), ("wide", flags)):
            calls_lane.beside(service, app.port, *given)
        callers = {
            name: calls_lane.caller_of("narrow", "wide", flags=given)
            for name, given in (("narrow", ()), ("wide", flags))
        }
        for caller in callers.values():
            for service in ("narrow", "wide"):
                calls_lane.reaches_any(caller, service)
        yield Lists(app, callers)


def _bytes(size: int) -> Fields:
    return (("x-big", "b" * size),)


def _fields(count: int) -> Fields:
    return tuple((f"x-{number}", "") for number in range(count))


LARGE = {
    "20 KiB": (_bytes(20 * KIB), NAMES_OF_BYTES),
    "64 KiB": (_bytes(64 * KIB), NAMES_OF_BYTES),
    "256 KiB": (_bytes(256 * KIB), NAMES_OF_BYTES),
    "900 KiB": (_bytes(900 * KIB), NAMES_OF_BYTES),
    "200 fields": (_fields(200), NAMES_OF_FIELDS),
    "20,000 fields": (_fields(20_000), (*NAMES_OF_FIELDS, *NAMES_OF_BYTES)),
}
FAILED = (("grpc-status", "9"), ("grpc-message", "as the application has it"))


@pytest.mark.parametrize("hop", ["narrow to narrow", "wide to narrow"])
@pytest.mark.parametrize("large", LARGE)
def test_a_request_over_a_limit_costs_its_call_alone(large: str, hop: str, lists: Lists) -> None:
    fields, names = LARGE[large]
    before = len(lists.app.calls)
    with lists.way(hop) as caller:
        others = _others(caller)
        _assert_over(caller.call(*fields), names)
        _assert_unharmed(caller, others)
    assert not [call for call in lists.app.calls[before:] if call.value("x-big") or call.value("x-1")]


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("large", LARGE)
def test_an_answers_head_over_a_limit_costs_its_call_alone(large: str, hop: str, lists: Lists) -> None:
    fields, names = LARGE[large]
    lists.app.scripts["large head"] = answer(head=fields)
    with lists.way(hop) as caller:
        others = _others(caller)
        _assert_over(caller.case("large head"), names)
        _assert_unharmed(caller, others)


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("large", LARGE)
def test_trailers_over_a_limit_cost_their_call_alone_and_the_applications_code_is_told(
    large: str, hop: str, lists: Lists
) -> None:
    fields, names = LARGE[large]
    lists.app.scripts["large trailers"] = answer(trailers=(*FAILED, *fields))
    with lists.way(hop) as caller:
        others = _others(caller)
        seen = caller.case("large trailers")
        _assert_over(seen, names)
        assert "FAILED_PRECONDITION" in seen.text, seen.told()
        _assert_unharmed(caller, others)


@pytest.mark.parametrize("size", [20, 64, 256, 900])
def test_details_over_a_limit_leave_the_applications_code_in_the_text(size: int, lists: Lists) -> None:
    lists.app.scripts["details"] = alone(*FAILED, ("grpc-status-details-bin", "b" * size * KIB))
    with lists.way("narrow to narrow") as caller:
        others = _others(caller)
        seen = caller.case("details")
        _assert_over(seen, NAMES_OF_BYTES)
        assert "FAILED_PRECONDITION" in seen.text, seen.told()
        _assert_unharmed(caller, others)


@pytest.mark.parametrize("less", [0, 1, 64, 128])
def test_trailers_under_the_limit_pass_both_hops_whole(less: int, lists: Lists) -> None:
    lists.app.scripts["full"] = answer(trailers=_filled(FAILED, MOST_BYTES - less))
    with lists.way("narrow to narrow") as caller:
        seen = caller.case("full")
    assert seen.heads[-1] == _filled(FAILED, MOST_BYTES - less), seen.told()


@pytest.mark.parametrize("less", [0, 1, 64, 128])
def test_a_request_under_the_limit_passes_both_hops_with_what_the_mesh_adds(less: int, lists: Lists) -> None:
    with lists.way("narrow to narrow") as caller:
        full = _filled(caller.head(), MOST_BYTES - less)
        stream = caller.stream()
        caller.send(block(stream, full, ENDS))
        seen = caller.answer(stream)
    assert seen.status == "0", seen.told()
    assert set(full) - {full[3]} <= set(lists.app.calls[-1].fields)


@pytest.mark.parametrize("count", [120, MOST_FIELDS])
def test_as_many_fields_as_the_limit_pass_both_hops(count: int, lists: Lists) -> None:
    trailers = (*FAILED, *_fields(count - len(FAILED)))
    lists.app.scripts["many"] = answer(trailers=trailers)
    with lists.way("narrow to narrow") as caller:
        own = len(caller.head(("x-case", "many")))
        seen = caller.case("many", *_fields(count - own))
    assert seen.heads[-1] == trailers, seen.told()


def _filled(fields: Fields, size: int) -> Fields:
    """One field more, so that the list counts exactly `size` bytes."""
    used = sum(len(name) + len(value) + PER_FIELD for name, value in fields)
    return (*fields, ("x-fill", "f" * (size - used - PER_FIELD - len("x-fill"))))


def _others(caller: Caller) -> list[int]:
    return [caller.begin(("x-case", "held")) for _ in range(OTHERS)]


def _assert_unharmed(caller: Caller, others: list[int]) -> None:
    ended = [caller.answer(stream) for stream in others]
    harmed = [one.told() for one in ended if one.status != "0"]
    assert not harmed, f"{len(harmed)} of {OTHERS} calls beside it failed, the first by {harmed[0]}"
    assert caller.goaway is None


def _assert_over(seen: Answer, names: tuple[str, ...]) -> None:
    assert (seen.status, seen.reason) == ("8", "header_limit"), seen.told()
    assert any(name in seen.text for name in names), seen.told()
