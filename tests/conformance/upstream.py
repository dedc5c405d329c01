"""Each upstream case by one call through the pair: what the caller saw, what our side told the server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from tests.conformance import by_frames
from tests.conformance.lane import Lane, upstream_address
from tests.conformance.result import Result
from tests.conformance.scripted_server import Conversation, ScriptedServer
from tests.conformance.upstream_cases import Ends, UpstreamCase, cases
from tests.support.echo_client import Seen, call
from tests.support.waiting import until

PART = "upstream side"
LIMIT = 2.0  # seconds within which a call that met a broken server ends


@dataclass(frozen=True)
class Upstream:
    """A broken server and a good one, each behind a sidecar of its own; one caller of both."""

    server: ScriptedServer
    address: str
    broken: grpc.Channel
    good: grpc.Channel

    def run_case(self, case: UpstreamCase) -> Result:
        begun = time.monotonic()
        seen = call(self.broken, "Unary", [b"small"], [("x-case", str(case))], timeout=20)
        took = time.monotonic() - begun
        reason = self._judge(case, seen, took)
        return Result(PART, str(case), reason, took)

    def _judge(self, case: UpstreamCase, seen: Seen, took: float) -> str:
        if took > LIMIT:
            return f"the call took {took:.1f} s: {seen.code.name} {seen.details}"
        if (seen.code is grpc.StatusCode.OK) is not (case.ends is Ends.NOTHING):
            return f"the caller saw {seen.code.name}: {seen.details}"
        on = self.server.of_case(str(case))
        if len(on) != 1:
            return f"the call was made {len(on)} times"
        if told := _told(case, on[0]):
            return told
        return self._others()

    def _others(self) -> str:
        """The next call to the same server and one to another are answered."""
        for name, via in (("the next call", self.broken), ("a call to another service", self.good)):
            seen = call(via, "Unary", [b"after"], timeout=20)
            if seen.code is not grpc.StatusCode.OK:
                return f"{name} then ended in {seen.code.name}: {seen.details}"
        return ""


def _told(case: UpstreamCase, conversation: Conversation) -> str:
    """What is wrong with the error that the server was told; empty if nothing."""
    if case.ends is Ends.NOTHING:
        return ""
    kind: int = case.ends.value
    try:
        until(lambda: conversation.told(kind), f"{case.ends.name} error", LIMIT)
    except AssertionError as error:
        return f"{error}; came {conversation.peer.told()}"
    code = conversation.told(kind)[-1].code()
    return "" if code in case.codes else f"told code {code}, wanted one of {case.codes}"


@contextmanager
def upstream(lane: Lane) -> Iterator[Upstream]:
    scripts = {str(case): case.script() for case in cases()}
    server = ScriptedServer(scripts | {str(case): case.script for case in by_frames.cases()})
    try:
        lane.beside("broken", server.port)
        lane.service("good")
        caller = lane.caller_of("broken", "good")
        for name in ("broken", "good"):
            lane.reaches(caller, name)
        with caller.channel("broken") as broken, caller.channel("good") as good:
            yield Upstream(server, upstream_address(caller, "broken"), broken, good)
    finally:
        server.close()


def run(lane: Lane) -> list[Result]:
    """The whole list, one call after the other."""
    with upstream(lane) as sides:
        by_calls = [sides.run_case(case) for case in cases()]
        return [*by_calls, *(case.run(PART, sides.address) for case in by_frames.cases())]
