"""Seconds, tens, and what goes to disk: time windows count every call once."""

from pathlib import Path

import pytest

from control_plane.telemetry import rollups as rollups_module
from control_plane.telemetry.calls import OUTBOUND, CallKey, Calls, Slot
from control_plane.telemetry.codec import pack_slot, unpack_slot
from control_plane.telemetry.rollups import MEMORY_SECONDS, Rollups
from control_plane.telemetry.tables import RETENTION, Tables, TelemetryFileError

KEY = CallKey(OUTBOUND, "shop/a", "shop/b", "shop/b", "a.B/C", "OK", "", True)
NOW = 1_800_000_000


def count(slot: Slot) -> int:
    return sum(calls.count for calls in slot.values())


def calls(number: int) -> Calls:
    found = Calls(count=number, request_bytes=10 * number, retries=1)
    found.durations.record(0.01, number)
    return found


def filled(seconds: int) -> Rollups:
    """One call a second from NOW on, closed as time goes."""
    rollups = Rollups(NOW)
    for second in range(NOW, NOW + seconds):
        rollups.close(second)
        cell = rollups.cell(second, KEY)
        assert cell is not None
        cell.add(calls(1))
    return rollups


@pytest.mark.parametrize(("start", "end"), [(0, 60), (3, 60), (0, 7), (13, 47), (55, 60), (10, 20)])
def test_any_window_counts_each_second_once(start: int, end: int) -> None:
    assert count(filled(60).window(NOW + start, NOW + end)) == end - start


def test_tens_are_handed_out_once_when_they_end() -> None:
    rollups = filled(25)
    assert [(start - NOW, count(slot)) for start, slot in rollups.close(NOW + 30)] == [(20, 5)]
    assert rollups.close(NOW + 39) == []
    assert rollups.close(NOW + 45) == [(NOW + 30, {})]


def test_after_a_quarter_of_an_hour_the_past_is_forgotten() -> None:
    rollups = filled(30)
    rollups.close(NOW + MEMORY_SECONDS + 30)
    assert count(rollups.window(NOW, NOW + 30)) == 0


def test_over_the_bound_of_memory_old_seconds_go_first_and_tens_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups_module, "MAX_CELLS", 10)
    rollups = filled(40)
    rollups.close(NOW + 40)
    assert count(rollups.second(NOW)) == 0
    assert count(rollups.second(NOW + 39)) == 1
    assert count(rollups.window(NOW, NOW + 40)) == 40


def test_one_second_takes_no_more_series_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups_module, "MAX_CELLS_A_SECOND", 1)
    rollups = filled(1)
    assert rollups.cell(NOW, KEY._replace(method="other")) is None
    assert rollups.cell(NOW, KEY) is not None


def test_a_slot_reads_back_as_it_was_written() -> None:
    slot = {KEY: calls(3), KEY._replace(status="INTERNAL", mtls=False): calls(1)}
    assert unpack_slot(pack_slot(slot)) == slot


def test_coarse_roll_ups_are_the_sum_of_the_finer(tmp_path: Path) -> None:
    tables = Tables(tmp_path / "t.db")
    for start in range(0, 60, 10):
        tables.add_slot(10, start, {KEY: calls(2), KEY._replace(target="shop/c"): calls(1)})
    tables.roll_up(10, 60, 0)
    (slot,) = tables.read_slots(60, 0, 60, "shop/b").values()
    assert {key.target: calls.count for key, calls in slot.items()} == {"shop/b": 12}
    assert count(tables.read_slots(60, 0, 60, "")[0]) == 18
    tables.close()


def test_a_step_cut_in_two_by_a_restart_is_the_sum_and_its_minute_is_made_up_for(tmp_path: Path) -> None:
    first = Tables(tmp_path / "t.db")
    first.add_slot(10, NOW, {KEY: calls(2)})
    first.close()
    second = Tables(tmp_path / "t.db")
    second.add_slot(10, NOW, {KEY: calls(3)})
    second.catch_up()
    for step in RETENTION:
        assert [count(slot) for slot in second.read_slots(step, 0, NOW + 600, "").values()] == [5]
    second.close()


def test_retention_by_time_forgets_each_step_at_its_own_age(tmp_path: Path) -> None:
    tables = Tables(tmp_path / "t.db")
    for step, kept in RETENTION.items():
        tables.add_slot(step, NOW - kept - step, {KEY: calls(1)})
        tables.add_slot(step, NOW - kept, {KEY: calls(1)})
    tables.trim(NOW)
    assert {step: list(tables.read_slots(step, 0, NOW, "")) for step in RETENTION} == {
        step: [NOW - kept] for step, kept in RETENTION.items()
    }
    tables.close()


def test_retention_by_bytes_drops_the_oldest_until_the_file_is_small_enough(tmp_path: Path) -> None:
    tables = Tables(tmp_path / "t.db", max_bytes=200_000)
    for start in range(NOW - 40_000, NOW, 10):
        tables.add_slot(10, start, {KEY._replace(target=f"shop/{start}"): calls(1)})
    assert tables.size() > 200_000
    tables.trim(NOW)
    assert tables.size() <= 200_000
    kept = tables.read_slots(10, 0, NOW, "")
    assert max(kept) == NOW - 10
    assert min(kept) > NOW - 40_000
    tables.close()


def test_a_file_of_another_program_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_bytes(b"not a database" * 100)
    with pytest.raises(TelemetryFileError, match=r"cannot open the telemetry file .*: move the file away"):
        Tables(tmp_path / "t.db")
