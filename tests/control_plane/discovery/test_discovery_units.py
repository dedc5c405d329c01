import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from control_plane.discovery.acks import Proxies, UnsentRevisionError
from control_plane.discovery.cell import Cell
from control_plane.discovery.debounce import Debounce
from control_plane.discovery.snapshots import Compiler, Snapshots
from control_plane.store.base import Put, Transaction
from control_plane.store.sqlite import SqliteStore
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import discovery_pb2, snapshot_pb2
from tests.control_plane.control_plane_harness import JumpingClock, RecordedEvents, within

ORDERS = WorkloadRef("shop", "orders", "shop.local")


def snapshot(revision: int, *services: str) -> snapshot_pb2.Snapshot:
    return snapshot_pb2.Snapshot(revision=revision, services=[snapshot_pb2.Service(name=name) for name in services])


class SteppedClock(JumpingClock):
    """Time that stands still between jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: asyncio.Queue[float] = asyncio.Queue()
        self._time = 0.0

    def monotonic(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        self.sleeps.put_nowait(seconds)
        self._time += seconds


async def test_a_cell_gives_the_newest_alone() -> None:
    cell = Cell(snapshot(1))
    reader = asyncio.ensure_future(cell.newer(1))
    for revision in (2, 3, 4):
        cell.put(snapshot(revision, f"shop/v{revision}"))
    assert (await within(reader)).revision == 4


async def test_a_cell_keeps_its_snapshot_when_only_the_revision_moves() -> None:
    cell = Cell(snapshot(1, "shop/payments"))
    cell.put(snapshot(7, "shop/payments"))
    assert cell.snapshot.revision == 1
    assert cell.effective(1) == 7
    assert cell.effective(0) == 0


async def test_marks_are_settled_after_a_quiet_tenth_of_a_second() -> None:
    clock = SteppedClock()
    debounce = Debounce(clock)
    debounce.mark()
    debounce.mark()
    await within(debounce.settled())
    assert clock.monotonic() == pytest.approx(0.1)


async def test_marks_without_end_are_settled_after_a_second() -> None:
    class Restless(SteppedClock):
        async def sleep(self, seconds: float) -> None:
            debounce.mark()
            await super().sleep(seconds)

    clock = Restless()
    debounce = Debounce(clock)
    debounce.mark()
    await within(debounce.settled())
    assert clock.monotonic() == pytest.approx(1.0)


async def test_a_refusal_is_an_event_that_names_resource_and_cause() -> None:
    events = RecordedEvents()
    proxies = Proxies(JumpingClock(), events)
    with proxies.connected(ORDERS, discovery_pb2.Hello(instance="orders-1"), Cell(snapshot(3))) as proxy:
        proxy.sent(3)
        nack = discovery_pb2.Nack(revision=3, resource="cluster:shop/payments", detail="port is 0: give one")
        proxies.answer(proxy, discovery_pb2.WatchRequest(nack=nack))
    assert events.records == [("nack", "orders-1", "refused revision 3: cluster:shop/payments: port is 0: give one")]


async def test_waiting_ends_with_a_refusal_and_names_who_refused() -> None:
    proxies = Proxies(JumpingClock(), RecordedEvents())
    with proxies.connected(ORDERS, discovery_pb2.Hello(instance="orders-1"), Cell(snapshot(3))) as proxy:
        proxy.sent(3)
        waiting = asyncio.ensure_future(proxies.acknowledged(3, "leaver", timedelta(hours=1)))
        proxies.answer(proxy, discovery_pb2.WatchRequest(nack=discovery_pb2.Nack(revision=3)))
        assert await within(waiting) == ["orders-1"]


async def test_waiting_does_not_count_the_one_that_leaves_nor_those_that_are_gone() -> None:
    proxies = Proxies(JumpingClock(), RecordedEvents())
    with proxies.connected(ORDERS, discovery_pb2.Hello(instance="gone"), Cell(snapshot(3))):
        pass
    with proxies.connected(ORDERS, discovery_pb2.Hello(instance="leaver"), Cell(snapshot(3))):
        assert await within(proxies.acknowledged(3, "leaver", timedelta(hours=1))) == []


async def test_a_cached_revision_counts_as_run_but_never_one_from_the_future() -> None:
    proxies = Proxies(JumpingClock(), RecordedEvents())
    for cached, counted in ((3, True), (4, False)):
        hello = discovery_pb2.Hello(instance="orders-1", revision=cached)
        with proxies.connected(ORDERS, hello, Cell(snapshot(3))) as proxy:
            assert proxy.runs(3) is counted
            with pytest.raises(UnsentRevisionError):
                proxy.ack(9)


async def test_a_newer_stream_of_an_instance_is_not_ended_by_the_older_ones_end() -> None:
    proxies = Proxies(JumpingClock(), RecordedEvents())
    hello = discovery_pb2.Hello(instance="orders-1")
    older = proxies.connected(ORDERS, hello, Cell(snapshot(3)))
    with older:
        newer = proxies.connected(ORDERS, hello, Cell(snapshot(3)))
        newer.__enter__()
    assert [proxy.connected for proxy in proxies.listed()] == [True]
    newer.__exit__(None, None, None)
    assert [proxy.connected for proxy in proxies.listed()] == [False]


async def test_the_forgotten_are_forgotten_after_ten_minutes() -> None:
    clock = JumpingClock()
    proxies = Proxies(clock, RecordedEvents())
    with proxies.connected(ORDERS, discovery_pb2.Hello(instance="orders-1"), Cell(snapshot(3))):
        pass
    clock.jump(599)
    assert len(proxies.listed()) == 1
    clock.jump(2)
    assert proxies.listed() == []


async def test_what_cannot_be_resolved_leaves_the_last_good_snapshot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", JumpingClock())

    async def read() -> int:
        return store.revision

    def resolve(state: int, ref: WorkloadRef) -> snapshot_pb2.Snapshot:
        if state == 2:
            raise ValueError("a fault in this revision")
        return snapshot(state, f"shop/v{state}")

    try:
        snapshots = Snapshots(store, Compiler(read, resolve), 1, JumpingClock(), lambda: None)
        with snapshots.subscribed(ORDERS) as cell:
            for expected in (1, 1, 3):
                await store.commit(Transaction((Put("/policy/x", b""),)))
                await snapshots.refresh()
                assert cell.snapshot.revision == expected
        assert "could not resolve the snapshot of shop/orders" in caplog.text
    finally:
        await store.close()
