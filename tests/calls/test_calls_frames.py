"""Frames that only raw peers send: begun and not finished, interim heads without end, a reset behind a whole answer."""

import time
from collections.abc import Iterator

import pytest

from tests.abuse.memory import resident
from tests.calls.application import ENDS, Fields, answer, whole_answer
from tests.calls.place import Place, settled
from tests.conformance import frames as f
from tests.conformance.lane import Lane
from tests.conformance.scripted_server import HEAD, TRAILERS, Conversation, Script
from tests.streams.raw import block

pytestmark = pytest.mark.real

STALL = 1.0  # seconds of `stall_timeout` in this module
ENDED = 3 * STALL
WINDOW = "stream_window_bytes=1048576"  # so that an answer fits in one write
HALF = f.frame(f.HEADERS, f.END_HEADERS, 1, bytes(100))[:50]
BEGUN = {
    "a header of five bytes": HALF[:5],
    "half of a HEADERS frame": HALF,
    "half of a DATA frame": f.data(1, bytes(1_000))[:500],
    "half of a SETTINGS frame": f.settings((f.HEADER_TABLE_SIZE, 1))[:11],
}
INTERIM = (":status", "103"), ("link", "</x>")
MOST_INTERIM = 8
FLOOD = 1_000_000
SPARE = 4.0  # MiB, where 1 may wait for a caller
WHOLE = 150_000
KEYS: Fields = (
    ("client_secret", "underscore"),
    ("x", "one byte"),
    ("k" * 256, "256 bytes"),
    ("x-empty", ""),
    ("x-middle", "a b"),
    *((("x-same", str(number))) for number in range(60)),
    ("x-padded-bin", "AAE="),
    ("x-unpadded-bin", "AAE"),
    ("x-joined-bin", "AAE,AQI="),
    ("x!#$%&'*+-.^_`|~", "symbols"),
    ("x-high", "\xe9\xff"),
    ("authorization", "Bearer t"),
)


@pytest.fixture(scope="module")
def framed(calls_lane: Lane) -> Iterator[Place]:
    with settled(
        calls_lane, "framed", "--limit", f"stall_timeout={STALL:g}s", "--limit", WINDOW, "--workers", "1"
    ) as place:
        yield place


@pytest.mark.parametrize("begun", BEGUN)
def test_a_frame_that_is_begun_and_not_finished_ends_its_connection(begun: str, framed: Place) -> None:
    with framed.connect() as caller, framed.connect() as beside:
        assert caller.call().status == "0"
        caller.send(BEGUN[begun])
        assert caller.closed.wait(ENDED), f"still open after {ENDED:g} s"
        assert beside.call().status == "0"


def test_a_frame_that_takes_its_time_is_fine(framed: Place) -> None:
    with framed.connect() as caller:
        assert caller.call().status == "0"
        stream = caller.stream()
        whole = block(stream, caller.head(), ENDS)
        for at in range(0, len(whole), 64):
            caller.send(whole[at : at + 64])
            time.sleep(STALL / 8)
        assert caller.answer(stream).status == "0"


def test_eight_interim_heads_of_a_call_are_passed_on_and_the_rest_is_left_out(framed: Place) -> None:
    framed.app.scripts["interim"] = _interim(20)
    with framed.connect() as caller:
        seen = caller.case("interim")
    assert seen.status == "0", seen.told()
    statuses = [dict(head).get(":status") for head in seen.heads]
    assert statuses == [*["103"] * MOST_INTERIM, "200", None]


@pytest.mark.parametrize("count", [1, 2, MOST_INTERIM])
def test_a_few_interim_heads_are_passed_on(count: int, framed: Place) -> None:
    framed.app.scripts["interim"] = _interim(count)
    with framed.connect() as caller:
        seen = caller.case("interim")
    assert (seen.status, len(seen.heads)) == ("0", count + 2), seen.told()


def test_interim_heads_without_end_cost_no_memory_while_the_caller_does_not_read(framed: Place) -> None:
    framed.app.scripts["flood"] = _interim(FLOOD)
    members = framed.caller, framed.callee
    before = [resident(member) for member in members]
    with framed.connect() as caller, framed.connect() as beside:
        caller.pause()
        caller.begin(("x-case", "flood"))
        most = [0.0, 0.0]
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            most = [max(was, resident(member)) for was, member in zip(most, members, strict=True)]
            assert beside.call().status == "0"
        caller.resume()
    grown = [now - then for now, then in zip(most, before, strict=True)]
    assert max(grown) < SPARE, f"MiB grown, at the caller and at the application: {grown}"


@pytest.mark.parametrize("code", [None, f.NO_ERROR, f.CANCEL], ids=["no reset", "NO_ERROR", "CANCEL"])
def test_a_reset_behind_a_whole_answer_takes_nothing_of_it(code: int | None, framed: Place) -> None:
    framed.app.scripts["reset behind"] = _with_reset(code)
    with framed.connect((f.INITIAL_WINDOW_SIZE, 16 << 10)) as caller:
        for _ in range(12):
            seen = caller.case("reset behind")
            assert (seen.status, len(seen.body)) == ("0", WHOLE + 5), seen.told()


def test_keys_that_other_proxies_dislike_pass_both_ways_in_their_order(framed: Place) -> None:
    framed.app.scripts["keys"] = answer(head=KEYS, trailers=(*TRAILERS, *KEYS))
    with framed.connect() as caller:
        seen = caller.case("keys", *KEYS)
    assert seen.status == "0", seen.told()
    assert tuple(pair for pair in framed.app.of("keys")[-1].fields if pair in KEYS) == KEYS
    assert [tuple(pair for pair in head if pair in KEYS) for head in seen.heads] == [KEYS, KEYS]


def test_a_reader_that_gives_window_back_slowly_is_waited_for(framed: Place) -> None:
    """Half a window each 0.8 of the time in which nothing at all would be an end."""
    framed.app.scripts["long"] = answer(message=bytes(400_000))
    with framed.connect(reads=False) as caller:
        stream = caller.begin(("x-case", "long"))
        given = 65_535
        while caller.answers[stream].ended_at is None and given < 500_000:
            time.sleep(0.8 * STALL if given < 65_535 + 4 * 32_768 else 0.01)
            caller.send(f.window_update(0, 32_768), f.window_update(stream, 32_768))
            given += 32_768
        seen = caller.answer(stream)
    assert (seen.status, len(seen.body)) == ("0", 400_005), seen.told()


def test_an_application_that_pauses_keeps_its_connections(framed: Place) -> None:
    """990 calls come to it while it does not read; half of them are given up before it reads on."""
    framed.app.read_little()
    callers = [framed.connect() for _ in range(11)]
    try:
        assert {one.call().status for one in callers} == {"0"}
        before = set(map(id, framed.app.conversations))
        framed.app.pause()
        begun = [(one, one.begin(("x-pad", "p" * 900))) for one in callers for _ in range(90)]
        time.sleep(0.3)
        for one, stream in begun[::2]:
            one.cancel(stream)
        time.sleep(0.2)
        framed.app.resume()
        kept = [one.answer(stream) for one, stream in begun[1::2]]
    finally:
        framed.app.resume()
        for one in callers:
            one.close()
    failed = [seen.told() for seen in kept if seen.status != "0"]
    assert not failed, f"{len(failed)} of {len(kept)}, the first by {failed[0]}"
    lost = [one for one in framed.app.conversations if id(one) in before and one.told(f.GOAWAY)]
    assert not lost


def test_a_frame_that_an_application_does_not_finish_ends_its_call(framed: Place) -> None:
    framed.app.scripts["half"] = lambda conversation, stream: conversation.send(f.headers(stream, HEAD)[:20])
    with framed.connect() as caller:
        seen, next_one = caller.case("half", limit=ENDED), caller.call()
    assert seen.status == "14", seen.told()
    assert next_one.status == "0", next_one.told()


def _interim(count: int) -> Script:
    """So many interim heads, then an answer."""

    def send(conversation: Conversation, stream: int) -> None:
        conversation.requests.pop(stream, None)
        head = f.headers(stream, INTERIM)
        for _ in range(count // 500):
            conversation.send(head * 500)
        conversation.send(head * (count % 500), f.headers(stream, HEAD), f.headers(stream, TRAILERS, ENDS))

    return send


def _with_reset(code: int | None) -> Script:
    """An answer and, unless None, a reset in one write."""

    def send(conversation: Conversation, stream: int) -> None:
        conversation.requests.pop(stream, None)
        reset = b"" if code is None else f.rst_stream(stream, code)
        conversation.send(whole_answer(stream, (), bytes(WHOLE), TRAILERS) + reset)

    return send
