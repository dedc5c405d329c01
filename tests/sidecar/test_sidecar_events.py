"""What the engine did by itself is one log line an event."""

import logging

import pytest

from protos.tulle.v1 import engine_pb2
from sidecar.events import ToldOnReading, line, log_events


class Telling:
    def __init__(self, events: engine_pb2.EngineEvents) -> None:
        self._events = [events.SerializeToString()]

    def drain_telemetry(self, *, spans: bool) -> tuple[bytes, int]:
        return b"counters", int(spans)

    def drain_events(self) -> bytes:
        """Each once."""
        return self._events.pop() if self._events else b""


CUT = engine_pb2.EngineEvent(
    kind=engine_pb2.EVENT_KIND_CALL_ENDED,
    reason="draining",
    text="the grace of 30 s is over",
    peer="shop/payments",
    method="shop.v1.Payments/Charge",
    grpc_status=14,
    mesh_fault=True,
)
BACK = engine_pb2.EngineEvent(kind=engine_pb2.EVENT_KIND_ENDPOINT_RETURNED, peer="payments-1")


def logged(events: engine_pb2.EngineEvents, caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    caplog.set_level(logging.INFO)
    engine = Telling(events)
    log_events(engine)
    log_events(engine)
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_each_event_is_one_line_with_what_how_and_why(caplog: pytest.LogCaptureFixture) -> None:
    assert logged(engine_pb2.EngineEvents(events=[CUT, BACK]), caplog) == [
        (
            logging.ERROR,
            "call ended by this sidecar: shop.v1.Payments/Charge shop/payments draining UNAVAILABLE "
            "(the mesh's fault): the grace of 30 s is over",
        ),
        (logging.INFO, "endpoint is back: payments-1"),
    ]


def test_what_was_left_out_is_counted_by_reason(caplog: pytest.LogCaptureFixture) -> None:
    left_out = [engine_pb2.LeftOut(reason="deadline", count=412)]
    assert logged(engine_pb2.EngineEvents(left_out=left_out), caplog) == [
        (logging.WARNING, "deadline: 412 more like these are left out")
    ]


def test_a_kind_or_a_status_that_this_agent_does_not_know_is_told_by_its_number() -> None:
    assert line(engine_pb2.EngineEvent(kind=99, text="new")) == "event 99: new"  # type: ignore[arg-type]
    ended = engine_pb2.EngineEvent(kind=engine_pb2.EVENT_KIND_CALL_ENDED, grpc_status=77)
    assert line(ended) == "call ended by this sidecar: 77"


def test_what_a_peer_wrote_makes_no_line_of_its_own() -> None:
    told = line(engine_pb2.EngineEvent(kind=engine_pb2.EVENT_KIND_LIMIT, text="x\n2026 ERROR forged \x1b[2J"))
    assert told == "limit exceeded: x 2026 ERROR forged  [2J"


def test_a_reading_of_the_counters_logs_the_events_that_came_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = ToldOnReading(Telling(engine_pb2.EngineEvents(events=[BACK])))
    assert engine.drain_telemetry(spans=True) == (b"counters", 1)
    assert engine.drain_telemetry(spans=False) == (b"counters", 0)
    assert [record.getMessage() for record in caplog.records] == ["endpoint is back: payments-1"]
