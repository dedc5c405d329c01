"""Every case of the catalogue on a connection of its own, against one listener."""

import time

from tests.conformance.lane import Lane, upstream_address
from tests.conformance.peer import Peer, Unexpected
from tests.conformance.result import Result
from tests.conformance.sections.case import Case
from tests.conformance.sections.catalogue import cases


def run(lane: Lane) -> list[Result]:
    """The whole catalogue against the application-facing port of a new caller's sidecar."""
    lane.service("echo")
    caller = lane.caller_of("echo")
    lane.reaches(caller, "echo")
    address = upstream_address(caller, "echo")
    return [run_case(case, address) for case in cases()]


def run_case(case: Case, address: str) -> Result:
    """On a fresh connection, which is closed afterwards."""
    begun = time.monotonic()
    reason = ""
    peer = Peer.connect(address)
    try:
        case.script(peer.greet() if case.is_greeted else peer)
    except (Unexpected, TimeoutError) as error:
        reason = str(error) or "timed out"
    finally:
        peer.close()
    return Result("rfc sections", str(case), reason, time.monotonic() - begun)
