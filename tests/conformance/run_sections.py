"""Every case of the catalogue on a connection of its own, against one listener."""

import time
from dataclasses import dataclass

from tests.conformance.peer import Peer, Unexpected
from tests.conformance.sections.case import Case


@dataclass(frozen=True)
class Result:
    """What a case came to; `reason` is empty for a pass."""

    part: str
    name: str
    reason: str
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.reason


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
    return Result("sections", str(case), reason, time.monotonic() - begun)
