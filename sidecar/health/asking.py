"""The check in force: made anew when the Service document asks for another one."""

import asyncio

from sidecar.address import HostPort
from sidecar.health.grpc_check import Found, GrpcCheck
from sidecar.health.other_checks import AlwaysWell, TcpCheck
from sidecar.health.seen import Check, Seen
from sidecar.health.settings import CheckSettings, Kind


class Asking:
    """Asks the application at `address` as `settings` say; None for a workload that serves nothing."""

    def __init__(self, address: HostPort | None, found: Found) -> None:
        self._address = address
        self._found = found
        self._check: Check | None = None
        self._asked_by: CheckSettings | None = None
        self._changed = asyncio.Event()
        self.settings = CheckSettings()

    def take(self, settings: CheckSettings) -> None:
        """From the next question on, which comes at once."""
        if settings == self.settings:
            return
        self.settings = settings
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changed_from(self, settings: CheckSettings) -> None:
        """Return when other settings than these are in force."""
        while self.settings == settings:
            await self._changed.wait()

    async def ask(self, settings: CheckSettings) -> Seen:
        """One question, on the connection of the last one where the settings are the same object still."""
        if self._check is None or settings is not self._asked_by:
            await self.close()
            self._check, self._asked_by = self._made(settings), settings
        return await self._check()

    async def close(self) -> None:
        """Let go of the connection."""
        check, self._check = self._check, None
        if check is not None:
            await check.close()

    def _made(self, settings: CheckSettings) -> Check:
        if self._address is None:
            return AlwaysWell()
        match settings.kind:
            case Kind.GRPC:
                return GrpcCheck(self._address, settings, self._found)
            case Kind.TCP:
                return TcpCheck(self._address, settings, self._found)
            case Kind.OFF:
                return AlwaysWell()
