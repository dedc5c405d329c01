"""What was answered reaches its slow reader although a sidecar is told to stop."""

import pytest

from tests.peers import slow_reader
from tests.peers.room import Room
from tests.peers.stopping import CASES, stopped_meanwhile, whole

PIECES = 10  # 320 KiB: 5 s


@pytest.fixture(scope="module")
def reads(room: Room) -> dict[tuple[str, str], slow_reader.Read]:
    return stopped_meanwhile(room, PIECES)


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-by-{case[1]}")
def test_an_answer_to_a_slow_reader_comes_whole_though_a_sidecar_stops(
    case: tuple[str, str], reads: dict[tuple[str, str], slow_reader.Read]
) -> None:
    assert reads[case] == slow_reader.Read(whole(PIECES), "0")
