"""Cumulative series become deltas: resets, restarts on either side, and bounds."""

import pytest

from control_plane.telemetry.deltas import (
    IDLE_SECONDS,
    MAX_INSTANCES,
    MAX_SERIES_A_RESOURCE,
    Deltas,
    Resource,
    TooManyInstancesError,
    TooManySeriesError,
)
from control_plane.telemetry.points import Point

STARTED = 1_000
A: Resource = ("shop/a", "1")


def point(value: float, start: int = STARTED, name: str = "n", *, cumulative: bool = True) -> Point:
    return Point(name, {"k": "v"}, value, start, start + 1, cumulative)


def taken(deltas: Deltas, *points: Point, resource: Resource = A, now: float = 0.0) -> list[object]:
    found: list[object] = []
    for one in points:
        known = deltas.begin(resource, now)
        found.append(deltas.delta(resource, one, known=known))
    return found


def test_each_export_adds_what_came_since_the_last() -> None:
    assert taken(Deltas(STARTED), point(3.0), point(5.0), point(5.0)) == [3.0, 2.0, 0.0]


def test_a_value_that_shrank_began_anew() -> None:
    assert taken(Deltas(STARTED), point(5.0), point(2.0), point(3.0)) == [5.0, 2.0, 1.0]


def test_a_new_start_time_began_anew_even_if_the_value_grew() -> None:
    assert taken(Deltas(STARTED), point(5.0), point(7.0, start=STARTED + 9)) == [5.0, 7.0]


def test_a_series_that_was_forgotten_while_it_was_idle_counts_again_though_it_shows_the_same_value() -> None:
    assert taken(Deltas(STARTED), point(1.0), point(1.0, start=STARTED + 700)) == [1.0, 1.0]


def test_what_was_counted_before_this_process_began_is_no_burst() -> None:
    assert taken(Deltas(STARTED), point(500.0, start=1), point(502.0, start=1)) == [0.0, 2.0]


def test_a_new_series_of_a_known_sender_is_counted_whole_however_old_the_sender() -> None:
    deltas = Deltas(STARTED)
    assert taken(deltas, point(500.0, start=1), point(4.0, start=1, name="new")) == [0.0, 4.0]


def test_deltas_are_taken_as_they_are() -> None:
    assert taken(Deltas(STARTED), point(2.0, cumulative=False), point(2.0, cumulative=False)) == [2.0, 2.0]


def test_one_sender_cannot_have_more_series_than_its_share() -> None:
    deltas = Deltas(STARTED)
    taken(deltas, *(point(1.0, name=f"n{index}") for index in range(MAX_SERIES_A_RESOURCE)))
    with pytest.raises(TooManySeriesError):
        taken(deltas, point(1.0, name="one more"))
    assert taken(deltas, point(3.0, name="n0")) == [2.0]


def test_over_the_bound_the_sender_that_was_silent_for_longest_is_forgotten() -> None:
    deltas = Deltas(STARTED, limit=2)
    taken(deltas, point(1.0, start=1), resource=("old", "1"))
    taken(deltas, point(1.0), resource=("new", "1"))
    taken(deltas, point(1.0, name="other"), resource=("new", "1"))
    assert taken(deltas, point(9.0), resource=("new", "1")) == [8.0]
    # Forgotten, and begun before this process did: a base again, never a burst.
    assert taken(deltas, point(9.0, start=1), resource=("old", "1")) == [0.0]


def test_a_service_cannot_push_others_out_by_inventing_instances() -> None:
    deltas = Deltas(STARTED)
    for index in range(MAX_INSTANCES):
        deltas.begin(("shop/evil", str(index)), 0.0)
    with pytest.raises(TooManyInstancesError, match="shop/evil exports under over 500 instance ids"):
        deltas.begin(("shop/evil", "one more"), 0.0)
    assert not deltas.begin(("shop/good", "1"), 0.0)


def test_a_sender_that_was_silent_for_ten_minutes_is_forgotten() -> None:
    deltas = Deltas(STARTED)
    taken(deltas, point(5.0, start=1))
    assert taken(deltas, point(7.0, start=1), now=IDLE_SECONDS) == [2.0]
    assert taken(deltas, point(9.0, start=1), now=2 * IDLE_SECONDS + 1) == [0.0]
