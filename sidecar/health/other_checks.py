"""The ways to ask beside grpc.health.v1: a connection is enough, or nobody is asked."""

from sidecar.address import HostPort
from sidecar.health.grpc_check import Found
from sidecar.health.places import first_accepting, places_of, why_nobody
from sidecar.health.seen import WELL, Seen, failing
from sidecar.health.settings import CheckSettings


class TcpCheck:
    """Well while a connection is taken."""

    def __init__(self, address: HostPort, settings: CheckSettings, found: Found) -> None:
        self._address = address
        self._settings = settings
        self._found = found

    async def __call__(self) -> Seen:
        """One connection, closed at once."""
        places = await places_of(self._address)
        place = await first_accepting(places, self._settings.timeout)
        if place is None:
            return failing(await why_nobody(self._address, places, self._settings.timeout))
        await self._found(place)
        return WELL

    async def close(self) -> None:
        """Nothing is kept."""


class AlwaysWell:
    """For a workload that serves nothing, and where the check is off."""

    async def __call__(self) -> Seen:
        """Without a question."""
        return WELL

    async def close(self) -> None:
        """Nothing is kept."""
