"""Somebody else who calls all the while, on a connection of its own, and must notice nothing."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import grpc

from tests.abuse.watch import Watch
from tests.support.echo_client import Seen, call
from tests.support.waiting import until

PACE = 0.01  # seconds between two calls
LEAST = 10  # calls that a victim makes at least


@dataclass
class Victim:
    """`with Victim(via):` calls 100 times a second within; leaving it fails where one call did.

    After each it calls `straight`, where no sidecar stands between: what that takes is the machine's, the application's
    and this process's own doing.
    """

    via: grpc.Channel
    watch: Watch | None = None
    least: int = LEAST
    straight: grpc.Channel | None = None
    answers: list[Seen] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._call)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                until(lambda: len(self.answers) >= self.least, f"{self.least} calls of the victim")
        finally:
            self._stop.set()
            self._thread.join()
        if error is None:
            self.assert_unharmed()
            if self.watch:
                self.watch.assert_bounded()

    def assert_unharmed(self) -> None:
        harmed = [(seen.code, seen.details) for seen in self.answers if seen.code is not grpc.StatusCode.OK]
        assert not harmed, f"{len(harmed)} of {len(self.answers)} calls of the victim failed, the first by {harmed[0]}"

    def _call(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += PACE
            seen, took = _timed(self.via)
            self.latencies.append(took)
            if self.watch:
                self.watch.call_took(took)
                if self.straight:
                    self.watch.straight_took(_timed(self.straight)[1])
            own = seen.messages == (b"victim",) or seen.code is not grpc.StatusCode.OK
            assert own, f"the victim was given another's answer: {seen}"
            self.answers.append(seen)


def _timed(via: grpc.Channel) -> tuple[Seen, float]:
    begun = time.monotonic()
    seen = call(via, "Unary", [b"victim"], timeout=5)
    return seen, time.monotonic() - begun
