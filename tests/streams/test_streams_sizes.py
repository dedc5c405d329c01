"""A message of any size and a stream of any length come through both sidecars as they were sent."""

import hashlib

import pytest

from tests.abuse.counted import Counter
from tests.streams.application import numbered, one_byte
from tests.streams.calling import PATIENCE, Outgoing, begin, sending
from tests.streams.pair import Pair

SIZES = {"0 B": 0, "1 B": 1, "16 KiB": 16 << 10, "4 MiB": 4 << 20, "100 MB": 100_000_000}
STREAM = 10_000
STREAM_LIMIT = 100  # streams that a sidecar announces on a connection
ACCEPTED = Counter("tulle_connections_accepted_total", {"tulle_listener": "outbound"})


@pytest.mark.real
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_message_of_any_size_is_the_same_on_both_sides(size: int, streams: Pair) -> None:
    message = numbered(7, size)
    digest = hashlib.sha256(message).hexdigest()
    with streams.channel() as via:
        assert next(sending(via, "Digest", [message])).decode() == f"1 {digest}", "there"
        (answer,) = sending(via, "Bidi", [message])
    assert hashlib.sha256(answer).hexdigest() == digest, "and back"


@pytest.mark.real
def test_ten_thousand_messages_of_one_byte_keep_their_order_each_way(streams: Pair) -> None:
    messages = [one_byte(number) for number in range(STREAM)]
    with streams.channel() as via:
        assert list(sending(via, "Bidi", messages)) == messages, "there and back on one stream"
        digest = hashlib.sha256(b"".join(messages)).hexdigest()
        assert next(sending(via, "Digest", messages)).decode() == f"{STREAM} {digest}", "one way"
        late = list(sending(via, "Late", [], ("x-count", str(STREAM))))
    assert late == messages, "the other way"


@pytest.mark.real
def test_messages_of_every_size_may_share_a_stream(streams: Pair) -> None:
    messages = [numbered(number, size) for number, size in enumerate([0, 1, 70_000, 0, 16 << 10, 5, 1 << 20, 0])]
    with streams.channel() as via:
        assert list(sending(via, "Bidi", messages)) == messages


@pytest.mark.real
def test_each_message_comes_before_the_next_is_sent(streams: Pair) -> None:
    """Nothing in between waits for more."""
    with streams.channel() as via, Outgoing() as outgoing:
        answers = sending(via, "Bidi", outgoing)
        for number in range(300):
            outgoing.send(one_byte(number))
            assert next(answers) == one_byte(number)
        outgoing.close()
        assert list(answers) == []


@pytest.mark.real
def test_five_thousand_calls_at_once_on_one_connection_all_succeed(streams: Pair) -> None:
    """The first hundred wait for each other at the application; grpcio keeps the others until a stream is free."""
    before, crowd = ACCEPTED.of(streams.caller), ("x-crowd", str(STREAM_LIMIT))
    with streams.channel() as via:
        begun = [begin(via, "Crowd", b"", crowd) for _ in range(5_000)]
        answers = [int(call.result(PATIENCE)) for call in begun]
    assert max(answers) == STREAM_LIMIT, "as many at once as the sidecar announces, never more"
    assert ACCEPTED.of(streams.caller) == before + 1, "on one connection"
