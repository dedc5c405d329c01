"""Calls that their callers give up, many a second, and what others on the same connection see of it."""

import heapq
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.calls.application import Arrived
from tests.calls.caller import Answer, Caller
from tests.calls.place import Place
from tests.conformance import frames as f
from tests.streams.raw import block
from tests.support.waiting import until

RATE = 400  # cancels a second
PROMPT, SHARE = 0.05, 0.99
NEIGHBOURS = 100  # calls a second


@dataclass(frozen=True)
class GivenUp:
    """A call that its caller cancelled, and when."""

    stream: int
    name: str
    at: float


def cancel_much(place: Place, message: bytes | None, seconds: float) -> None:
    """Calls given up after 1 to 50 ms, beside others on the same connection. Without a message they are streams."""
    with place.connect() as caller:
        held = caller.begin(("x-case", "silence"))
        with neighbours(caller) as beside:
            given_up = give_up(caller, message, seconds)
        assert caller.goaway is None, f"the connection was ended: {caller.goaway}"
        assert caller.answers[held].status is None, caller.answers[held].told()
        ended = [caller.answers[one.stream] for one in given_up if caller.answers[one.stream].status is not None]
        assert not ended, f"{len(ended)} of {len(given_up)} were ended by the mesh, the first by {ended[0].told()}"
        assert_unharmed(beside)
        caller.cancel(held)
    late = lateness(place, given_up)
    assert len(late) > len(given_up) / 2, "most of them reach the application"
    prompt = sum(one <= PROMPT for one in late) / len(late)
    assert prompt >= SHARE, f"{prompt:.1%} of the cancels came within {PROMPT} s, the last after {max(late):.2f} s"


def rapid(caller: Caller) -> bytes:
    """A call that is given up in the same breath."""
    stream = caller.stream()
    head = block(stream, caller.head(("x-case", "silence")))
    return head + f.data(stream, f.message(b"?"), f.END_STREAM) + f.rst_stream(stream, f.CANCEL)


def give_up(caller: Caller, message: bytes | None, seconds: float) -> list[GivenUp]:
    """Calls at `RATE`, each cancelled 1 to 50 ms after its start."""
    begun, due, done = time.monotonic(), list[tuple[float, int, str]](), list[GivenUp]()
    for number in range(int(seconds * RATE)):
        while time.monotonic() < begun + number / RATE:
            time.sleep(0.0005)
            done += cancel_due(caller, due, time.monotonic())
        name = f"{id(due)}-{number}"
        stream = caller.begin(("x-case", "silence"), ("x-number", name), message=message)
        heapq.heappush(due, (time.monotonic() + random.uniform(0.001, 0.05), stream, name))
    time.sleep(0.05)
    return done + cancel_due(caller, due, time.monotonic())


def cancel_due(caller: Caller, due: list[tuple[float, int, str]], now: float) -> list[GivenUp]:
    done = list[GivenUp]()
    while due and due[0][0] <= now:
        _, stream, name = heapq.heappop(due)
        done.append(GivenUp(stream, name, time.monotonic()))
        caller.cancel(stream)
    return done


def lateness(place: Place, given_up: list[GivenUp]) -> list[float]:
    """Seconds from a cancel to its arrival, of those calls that reached the application."""
    arrived = {call.value("x-number"): call for call in place.app.of("silence")}
    pairs = [(one, arrived[one.name]) for one in given_up if one.name in arrived]
    until(lambda: all(call.reset_at for _, call in pairs), "every cancel at the application", 10)
    return [call.reset_at - one.at for one, call in pairs if call.reset_at]


@contextmanager
def neighbours(caller: Caller) -> Iterator[list[Answer]]:
    """Calls on that connection all the while; their answers, once it is over."""
    answers, stop = list[Answer](), threading.Event()

    def call() -> None:
        begun = list[int]()
        while not stop.wait(1 / NEIGHBOURS):
            begun.append(caller.begin(("x-neighbour", "1")))
        answers.extend(caller.answer(stream) for stream in begun)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


def assert_unharmed(beside: list[Answer]) -> None:
    failed = [seen.told() for seen in beside if seen.status != "0"]
    assert beside, "neighbours called"
    assert not failed, f"{len(failed)} of {len(beside)} neighbours failed, the first by {failed[0]}"


def most_at_once(calls: list[Arrived]) -> int:
    """The most of these calls that the application had at a time."""
    events = sorted([(call.at, 1) for call in calls] + [(call.reset_at, -1) for call in calls if call.reset_at])
    now = most = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most
