"""What foreign runners say becomes rows, and nothing that was left out can look like a pass."""

import io
import json
from pathlib import Path

import grpc
import pytest

from tests.conformance import h2spec
from tests.conformance.both_ways import judge, settled
from tests.conformance.connect import between, suite
from tests.conformance.result import NotRun, Result, table, write

SAID = """\
Sending request for "Errors/unary/not-found"...
Sending request for "Errors/unary/unavailable"...
Received response for "Errors/unary/not-found"...
FAILED: Errors/unary/unavailable:
\tactual error {code: 13 (internal)}
\tdoes not match

Total cases: 2
1 passed, 1 failed
"""
REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="5.1. Stream States" package="http2/5.1" id="5.1" tests="3" skipped="1" failures="1" errors="0">
    <testcase package="http2/5.1" classname="idle: Sends a DATA frame" time="0.0012"></testcase>
    <testcase package="http2/5.1" classname="closed: Sends a DATA frame" time="2.0">
      <failure>Expect:&#xA;GOAWAY&#xA;Actual:&#xA;Timeout</failure>
    </testcase>
    <testcase package="http2/5.1" classname="closed: Sends a HEADERS frame" time="0.0"><skipped></skipped></testcase>
  </testsuite>
</testsuites>
"""


def test_connects_cases_have_their_reasons() -> None:
    assert suite.parse(SAID) == {
        "Errors/unary/not-found": "",
        "Errors/unary/unavailable": "actual error {code: 13 (internal)} does not match",
    }


@pytest.mark.parametrize(
    "said",
    [
        "",
        SAID.replace("1 passed, 1 failed", "2 passed, 0 failed"),
        SAID.replace("Total cases: 2", "Total cases: 3"),
        SAID.replace("FAILED: ", "FLAKED: "),
        "Total cases: 0\n0 passed, 0 failed\n",
    ],
)
def test_a_run_whose_sums_do_not_agree_is_no_run(said: str) -> None:
    with pytest.raises(suite.Incomplete):
        suite.parse(said)


def test_a_case_that_h2spec_skips_is_a_failure() -> None:
    rows = h2spec.parse(REPORT, 2)
    assert rows[0].name == "run 2: http2/5.1 idle: Sends a DATA frame"
    assert [row.passed for row in rows] == [True, False, False]
    assert rows[1].reason == "failure: Expect: GOAWAY Actual: Timeout"


def test_what_was_not_run_stands_in_the_table_and_in_the_file(tmp_path: Path) -> None:
    results, not_run = [Result("ran", "a case", "", 0.5)], [NotRun("absent", "its program is not installed")]
    assert "absent  NOT RUN  its program is not installed" in table(results, not_run)
    write(results, not_run, tmp_path / "conformance.json")
    told = json.loads((tmp_path / "conformance.json").read_text())
    assert (told["passed"], told["complete"]) == (True, False)
    assert told["not_run"] == [{"part": "absent", "why": "its program is not installed"}]


def test_a_moved_request_keeps_all_fields_that_the_wrapper_does_not_know() -> None:
    protos = grpc.protos(between.PROTO)
    name, host = b"\x0a\x05a/b/c", b"\x32\x09127.0.0.1\x38\x90\x4e"  # test_name = 1; host = 6, port = 7
    tail = b"\x9a\x01\x00"  # cancel = 19
    message = protos.ClientCompatRequest.FromString(name + host + tail)
    moved = protos.ClientCompatRequest.FromString(between.moved(message, "[::1]:7"))
    assert (moved.host, moved.port) == ("[::1]", 7)
    assert name in between.moved(message, "[::1]:7")
    assert tail in between.moved(message, "[::1]:7")


def test_messages_are_read_one_by_one_and_a_torn_one_is_the_end() -> None:
    stream = io.BytesIO()
    for message in (b"one", b"", b"three"):
        between.write_message(stream, message)
    whole = io.BytesIO(stream.getvalue() + b"\0\0\0\x09torn")
    assert [between.read_message(whole) for _ in range(4)] == [b"one", b"", b"three", None]


def test_only_a_difference_that_stays_is_a_failure() -> None:
    once = judge("part", "case", "", "timed out", 1.0)
    assert once.reason == "without the mesh: passes; with it: timed out"
    assert not judge("part", "case", "", None, 1.0).passed, "a case that was not run on one side"
    assert judge("part", "case", "no such method", "no method", 1.0).note.endswith("no such method")
    gone = settled(once, judge("part", "case", "", "", 1.0))
    assert gone.passed
    assert once.reason in gone.note
    assert not settled(once, once).passed
