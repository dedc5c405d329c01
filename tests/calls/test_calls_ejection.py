"""An endpoint that is out is let in by one probe's first sign of life, and by nothing that says nothing of it."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.calls.application import Application, answer, silence, status
from tests.calls.caller import Answer, Caller
from tests.calls.place import traffic
from tests.calls.ticking import ticking
from tests.calls.two import Two, two
from tests.conformance.lane import Lane
from tests.support.waiting import until

pytestmark = pytest.mark.real

OUT = 0.6  # seconds that an ejection lasts, up to half more or less of it
FAILURES = 3
POLICY = f"""loadBalancing: {{policy: round_robin}}
  outlier: {{consecutiveFailures: {FAILURES}, ejection: {{base: {round(OUT * 1000)}ms, max: {round(OUT * 1000)}ms}}}}"""


@pytest.fixture(scope="module")
def unwell(calls_lane: Lane) -> Iterator[Two]:
    """`first` can be made to fail, `second` is well."""
    with two(calls_lane, "unwell") as pair:
        pair.both("watch", answer())
        for app in (pair.first, pair.second):
            app.scripts |= {"work": answer(), "watch": ticking(app), "silence": silence}
        calls_lane.apply(traffic(pair.name, POLICY))
        yield pair


@pytest.mark.parametrize(
    ("old", "new"), [("consecutiveFailures: 3", "consecutiveFailures"), ("ejection: {base: 1s}", "ejection")]
)
def test_the_old_place_of_ejection_says_where_it_went(old: str, new: str, unwell: Two) -> None:
    path = unwell.lane.folder / "old.yaml"
    path.write_text(traffic(unwell.name, f"circuitBreaker: {{{old}}}"))
    refused = unwell.lane.tulle("apply", "--dry-run", "-f", str(path), check=False)
    assert refused.returncode != 0, refused.stderr
    assert f"circuitBreaker.{new}" in refused.stderr
    assert f"'{new}' has moved from 'circuitBreaker' to 'outlier'" in refused.stderr


def test_a_probe_that_is_a_healthy_stream_lets_the_endpoint_in_at_its_first_message(unwell: Two) -> None:
    with unwell.connect() as caller, unwell.connect() as beside:
        eject(unwell, caller)
        watch = probe(unwell.first, lambda: caller.begin(("x-case", "watch")))
        assert caller.begins(watch).body
        before = len(unwell.first.of("work"))
        until(lambda: ok(beside.case("work")) and len(unwell.first.of("work")) > before, "a call beside the watch", 0.4)
        assert caller.answers[watch].ended_at is None, "the watch goes on"
        assert caller.answer(watch).status == "0"


@pytest.mark.parametrize("how", ["cut short by its deadline", "cancelled"])
def test_a_probe_that_its_caller_ends_is_no_verdict_and_another_follows_at_once(how: str, unwell: Two) -> None:
    with unwell.connect() as caller, unwell.connect() as beside:
        eject(unwell, caller)
        deadline = (("grpc-timeout", "50m"),) if how != "cancelled" else ()
        stream = probe(unwell.first, lambda: caller.begin(("x-case", "silence"), *deadline))
        if how == "cancelled":
            caller.cancel(stream)
        else:
            assert caller.answer(stream).status == "4"
        before = len(unwell.first.of("work"))
        until(lambda: ok(beside.case("work")) and len(unwell.first.of("work")) > before, "another probe", OUT / 3)


def test_after_its_return_a_failing_endpoint_gets_one_call_each_time(unwell: Two) -> None:
    unwell.first.scripts["work"] = status(14)
    begun = time.monotonic()
    with unwell.connect() as caller:
        while time.monotonic() < begun + 5 * OUT:
            caller.case("work")
            time.sleep(0.005)
    unwell.first.scripts["work"] = answer()
    times = [call.at for call in unwell.first.of("work") if call.at > begun]
    assert len(times) > FAILURES + 1, "it is probed"
    close = [later - earlier for earlier, later in zip(times[FAILURES - 1 :], times[FAILURES:], strict=False)]
    assert min(close) > OUT / 3, f"one probe at a time, gaps {[round(gap, 2) for gap in close]}"


def eject(pair: Two, caller: Caller) -> None:
    """`first` fails until nothing comes to it any more, and is well again then."""
    until(lambda: reached(pair, caller) and reached(pair, caller), "both take calls")
    pair.first.scripts["work"] = status(14)
    until(lambda: not reached(pair, caller) and not reached(pair, caller), "the first is out")
    pair.first.scripts["work"] = answer()


def reached(pair: Two, caller: Caller) -> bool:
    """Whether any of a few calls came to the first."""
    before = len(pair.first.of("work"))
    for _ in range(4):
        caller.case("work")
    return len(pair.first.of("work")) > before


def probe(app: Application, begin: Callable[[], int]) -> int:
    """The stream of the first such call that comes to `app`."""

    def tried() -> int | None:
        before = len(app.calls)
        stream = begin()
        time.sleep(0.02)
        return stream if len(app.calls) > before else None

    found = until(tried, "a probe", 4 * OUT)
    assert found is not None
    return found


def ok(seen: Answer) -> bool:
    assert seen.status == "0", seen.told()
    return True
