"""The verdict: 2 failures out, 1 success in; how often it is asked; what the log says of it."""

import asyncio
import logging

import pytest

from sidecar.health.seen import WELL, Seen, State, failing
from sidecar.health.settings import CheckSettings
from sidecar.health.verdict import Health
from tests.sidecar.clocks import ManualClock

SETTINGS = CheckSettings()
BUSY = Seen(State.BUSY, "no answer within 1 s, though 127.0.0.1:1 takes connections")
FOREIGN = Seen(State.FOREIGN, "the application at 127.0.0.1:1 answers HTTP/1.1; it must speak HTTP/2 (h2c)")
SLOW = failing("slow")


class Scripted:
    """Questions whose answers a test gives."""

    def __init__(self, *answers: Seen) -> None:
        self._answers = list(answers)
        self._changed = asyncio.Event()
        self.settings = SETTINGS
        self.asked_by: list[CheckSettings] = []

    async def ask(self, settings: CheckSettings) -> Seen:
        self.asked_by.append(settings)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def changed_from(self, settings: CheckSettings) -> None:
        while self.settings == settings:
            await self._changed.wait()

    def take(self, settings: CheckSettings) -> None:
        self.settings = settings
        self._changed.set()


def judged(*results: Seen, settings: CheckSettings = SETTINGS) -> Health:
    health = Health()
    for at, seen in enumerate(results):
        health.observe(seen, at * 0.2, settings)
    return health


def test_an_application_is_out_until_it_was_well_once() -> None:
    health = judged(failing("refused"))
    assert (health.healthy, health.ever_healthy, health.reason) == (False, False, "refused")
    health.observe(WELL, 1, SETTINGS)
    assert (health.healthy, health.ever_healthy, health.reason) == (True, True, "")


def test_one_failure_does_not_put_it_out_and_two_in_a_row_do() -> None:
    health = judged(WELL, SLOW, WELL, SLOW)
    assert health.healthy
    health.observe(SLOW, 1, SETTINGS)
    assert (health.healthy, health.reason) == (False, "slow")
    health.observe(WELL, 2, SETTINGS)
    assert health.healthy


def test_a_service_may_ask_for_other_numbers() -> None:
    patient = CheckSettings(failures=3, successes=2)
    health = judged(WELL, settings=patient)
    assert not health.healthy
    health.observe(WELL, 1, patient)
    assert health.healthy
    for at in (2, 3):
        health.observe(SLOW, at, patient)
    assert health.healthy
    health.observe(SLOW, 4, patient)
    assert not health.healthy


def test_a_busy_application_stays_in_for_ever_and_breaks_a_row_of_failures() -> None:
    assert judged(WELL, *[BUSY] * 50).healthy
    assert judged(WELL, SLOW, BUSY, SLOW).healthy


def test_a_busy_application_that_was_never_well_stays_out_with_the_reason() -> None:
    health = judged(BUSY, BUSY)
    assert (health.healthy, health.reason) == (False, BUSY.reason)


@pytest.mark.parametrize(
    ("so_far", "at", "pause"),
    [
        ((WELL,), 0.0, 10.0),
        ((failing("refused"),), 0.0, 0.2),
        ((failing("refused"),), 4000.0, 0.2),
        ((WELL, SLOW, SLOW), 0.0, 0.2),
        ((FOREIGN,), 29.0, 0.2),
        ((FOREIGN,), 31.0, 1.0),
        ((FOREIGN,), 301.0, 5.0),
        ((FOREIGN, failing("refused")), 301.0, 0.2),
    ],
)
def test_it_is_asked_every_10_seconds_or_often_while_someone_waits_and_less_where_no_waiting_helps(
    so_far: tuple[Seen, ...], at: float, pause: float
) -> None:
    assert judged(*so_far).pause(at, SETTINGS) == pause


async def test_a_healthy_answer_is_waited_for_at_most_200_ms_and_then_asked_for_every_10_s() -> None:
    clock, health = ManualClock(), Health()
    task = asyncio.create_task(health.run(Scripted(failing("starting"), WELL), clock))
    assert await clock.wake() <= 0.2
    assert await clock.wake() == 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_other_settings_are_obeyed_at_once() -> None:
    clock, health, questions = ManualClock(), Health(), Scripted(WELL)
    task = asyncio.create_task(health.run(questions, clock))
    await asyncio.wait_for(health.asked.wait(), 5)
    health.asked.clear()
    questions.take(CheckSettings(service="shop.v1.Payments", interval=3))
    # Nobody moves the clock: the pause of 10 s is cut short.
    await asyncio.wait_for(health.asked.wait(), 5)
    assert [settings.service for settings in questions.asked_by] == ["", "shop.v1.Payments"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_verdict_that_begins_as_failing_is_logged_at_once_and_then_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    health = Health()
    for tick in range(60 * 5 + 1):  # a minute of checks
        health.observe(FOREIGN, tick * 0.2, SETTINGS)
    assert said(caplog) == [f"the application is not healthy: {FOREIGN.reason}"] * 2


def test_each_turn_and_each_new_reason_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    judged(failing("refused"), failing("refused"), FOREIGN, WELL, SLOW, SLOW, SLOW, WELL)
    assert said(caplog) == [
        "the application is not healthy: refused",
        f"the application is not healthy: {FOREIGN.reason}",
        "the application is healthy",
        "the application is not healthy: slow",
        "the application is healthy",
    ]


def test_busy_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    health = judged(WELL)
    for at in range(10, 130, 10):
        health.observe(BUSY, at, SETTINGS)
    assert said(caplog) == [f"the application is busy and stays in: {BUSY.reason}"] * 2


def test_reasons_that_differ_each_time_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    judged(*[failing(f"number {number}") for number in range(250)])
    assert 1 < len(said(caplog)) <= 8
