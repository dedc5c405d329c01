"""An attack, its benign twin, and what must come of each."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.abuse.counted import CALM, Counter
from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.conformance.sections.case import expect_goaway

Script = Callable[[Peer], None]


@dataclass(frozen=True)
class Attack:
    """Both scripts get a greeted connection and raise Unexpected; the attack moves `counter` by exactly one."""

    title: str
    attack: Script
    twin: Script
    counter: Counter = CALM

    def __str__(self) -> str:
        return self.title


def flooded(*sent: bytes) -> Script:
    """Sends it all at once; GOAWAY of ENHANCE_YOUR_CALM must come, then the end of the connection."""

    def script(peer: Peer) -> None:
        peer.send(*sent)
        expect_goaway(peer, f.ENHANCE_YOUR_CALM)

    return script
