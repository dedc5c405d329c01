"""A sidecar that is told to stop while a slow reader still has to take what was answered."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.lane import CALLER
from tests.peers import slow_reader
from tests.peers.proto import peers_pb2 as pb
from tests.peers.room import Room, Served, reaches
from tests.peers.stacks import GO
from tests.support.mesh import Member

PIECE = 32 * 1024
AFTER = 1.0  # seconds until SIGTERM: the reader has the first of it by then
CASES = tuple((who, how) for who in ("caller", "callee") for how in (slow_reader.BY_WINDOW, slow_reader.BY_SOCKET))


def stopped_meanwhile(room: Room, pieces: int) -> dict[tuple[str, str], slow_reader.Read]:
    """By whose sidecar was stopped and how the reader was slow, what it got; all at the same time."""
    cases = {case: _pair(room, case, pieces) for case in CASES}
    with ThreadPoolExecutor(len(cases)) as readers:
        begun = {case: readers.submit(_one, case, served, pieces) for case, served in cases.items()}
        return {case: reader.result() for case, reader in begun.items()}


def whole(pieces: int) -> int:
    """Bytes of that many messages with their frames."""
    answer = pb.Answer(blob=b"\0" * PIECE, received_messages=1)
    return pieces * (len(answer.SerializeToString()) + 5)


def _pair(room: Room, case: tuple[str, str], pieces: int) -> Served:
    """The sidecar that is stopped is used by no other case."""
    who, how = case
    if who == "callee":
        return room.served(GO, f"{how}-{pieces}")
    served, caller = room.served(GO), room.lane.member(CALLER, {}, with_application=False)
    own = Served(served.stack, served.name, served.callee, caller, served.port)
    reaches(own)
    return own


def _one(case: tuple[str, str], served: Served, pieces: int) -> slow_reader.Read:
    who, how = case
    stopped: Member = getattr(served, who)
    peer = slow_reader.begin(*served.meshed, pb.Ask(count=pieces, answer_bytes=PIECE), how)
    with ThreadPoolExecutor(1) as reading:
        came = reading.submit(slow_reader.read, peer, how)
        time.sleep(AFTER)
        stopped.sidecar.process.send_signal(signal.SIGTERM)
        read = came.result()
    peer.close()
    print(f"SIGTERM to the {who}'s sidecar, slow by {how}: {read} of {whole(pieces)}")
    return read
