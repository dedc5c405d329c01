"""The verdict on the application: 2 failures out, 1 success in, each turn logged with its reason."""

import asyncio
import logging
from typing import Final, Protocol

from sidecar.clock import Clock
from sidecar.health.seen import Seen, State
from sidecar.health.settings import CheckSettings
from sidecar.telling import Telling

log = logging.getLogger(__name__)

# Seconds between checks while someone waits for the application.
_WAITED_FOR: Final = 0.2
# What no waiting mends is asked less often: from so many seconds on, every so many.
_FOREIGN_PACES: Final = ((300.0, 5.0), (30.0, 1.0), (0.0, _WAITED_FOR))
_NOT_ASKED: Final = "it has not been asked yet"


class Questions(Protocol):
    """What `sidecar.health.asking.Asking` is to the verdict."""

    @property
    def settings(self) -> CheckSettings: ...
    async def ask(self, settings: CheckSettings) -> Seen: ...
    async def changed_from(self, settings: CheckSettings) -> None: ...


class Health:
    """The verdict. Out until the first success: an application that has not started is not sent calls.

    `reason` says in one line why it is out, "" while it is in.
    """

    def __init__(self) -> None:
        self._row = 0
        self._changed = asyncio.Event()
        self._telling = Telling()
        self._foreign_since: float | None = None
        self.asked = asyncio.Event()
        self.ever_healthy = False
        self.healthy = False
        self.reason = _NOT_ASKED

    async def run(self, questions: Questions, clock: Clock) -> None:
        """Until cancelled."""
        while True:
            settings = questions.settings
            self.observe(await questions.ask(settings), clock.now(), settings)
            await self._rest(questions, settings, clock)

    def observe(self, seen: Seen, now: float, settings: CheckSettings) -> None:
        """Take what was seen at `now`, in seconds."""
        self._note_foreign(seen, now)
        if seen.state is State.BUSY and self.healthy:
            self._row = 0
            self._say(logging.WARNING, f"the application is busy and stays in: {seen.reason}", now)
        elif (seen.state is State.WELL) is self.healthy:
            self._row = 0
        else:
            self._against(seen, settings)
        if not self.healthy:
            self.reason = seen.reason or self.reason
            self._say(logging.WARNING, f"the application is not healthy: {self.reason}", now)
        self.asked.set()

    async def changed_from(self, healthy: bool) -> None:
        """Return when the verdict is no longer `healthy`."""
        while self.healthy is healthy:
            await self._changed.wait()

    def pause(self, now: float, settings: CheckSettings) -> float:
        """Seconds until the next check."""
        if self.healthy:
            return settings.interval
        foreign_for = now - self._foreign_since if self._foreign_since is not None else 0.0
        pace = next(pace for since, pace in _FOREIGN_PACES if foreign_for >= since)
        return min(pace, settings.interval)

    def _against(self, seen: Seen, settings: CheckSettings) -> None:
        """A result that speaks against the verdict; enough of them in a row turn it."""
        self._row += 1
        if self._row < (settings.failures if self.healthy else settings.successes):
            return
        self._row = 0
        self._telling.forget()
        self.healthy = seen.state is State.WELL
        if self.healthy:
            self.ever_healthy = True
            self.reason = ""
            log.info("the application is healthy")
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _note_foreign(self, seen: Seen, now: float) -> None:
        if seen.state is not State.FOREIGN:
            self._foreign_since = None
        elif self._foreign_since is None:
            self._foreign_since = now

    def _say(self, level: int, sentence: str, now: float) -> None:
        if self._telling.due(sentence, now):
            log.log(level, "%s", sentence)

    async def _rest(self, questions: Questions, settings: CheckSettings, clock: Clock) -> None:
        resting = asyncio.ensure_future(clock.sleep(self.pause(clock.now(), settings)))
        changed = asyncio.ensure_future(questions.changed_from(settings))
        try:
            await asyncio.wait({resting, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            resting.cancel()
            changed.cancel()
