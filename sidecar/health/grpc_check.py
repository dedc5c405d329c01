"""Asks by grpc.health.v1, on a connection that stays while it works.

NOT_SERVING is failing. Any other answer proves life, also one that cannot be parsed: a login, a service that is not
known, a method that is not implemented. No answer in time means busy while the port takes connections.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import grpc
from google.protobuf.message import DecodeError

from sidecar.address import HostPort
from sidecar.health.greeting import foreign
from sidecar.health.places import accepts, first_accepting, places_of, why_nobody
from sidecar.health.seen import WELL, Seen, State, failing
from sidecar.health.settings import CheckSettings

# The check must reach the application itself, not a proxy. No probe of the bandwidth: it would be a PING.
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.enable_retries", 0),
)
_METHOD: Final = "/grpc.health.v1.Health/Check"
# Of the timeout: a status DEADLINE_EXCEEDED that comes earlier is the application's own.
_NEARLY: Final = 0.9

Found = Callable[[HostPort], Awaitable[None]]


class GrpcCheck:
    """Asks the application at `address`; `found` is told which of a name's addresses it listens on."""

    def __init__(self, address: HostPort, settings: CheckSettings, found: Found) -> None:
        self._address = address
        self._settings = settings
        self._found = found
        self._place = address
        self._channel: grpc.aio.Channel | None = None
        self._was_foreign = False

    async def __call__(self) -> Seen:
        """One question; a second one at once where the kept connection had ended, as after a restart."""
        kept = self._channel is not None
        seen = await self._ask()
        return await self._ask() if kept and self._channel is None and seen.state is State.FAILING else seen

    async def close(self) -> None:
        """Let go of the connection."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def _ask(self) -> Seen:
        if self._channel is None:
            obstacle = await self._connect()
            if obstacle is not None:
                return obstacle
        channel = self._channel
        assert channel is not None  # noqa: S101 - `_connect` gave no obstacle
        began = asyncio.get_running_loop().time()
        try:
            return _judged(await self._call(channel))
        except grpc.aio.AioRpcError as error:
            took = asyncio.get_running_loop().time() - began
            return await self._without_answer(channel, error, took)

    async def _call(self, channel: grpc.aio.Channel) -> bytes:
        from grpc_health.v1 import health_pb2

        request = health_pb2.HealthCheckRequest(service=self._settings.service).SerializeToString()
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_METHOD)
        metadata = tuple(self._settings.metadata.items())
        return await call(request, timeout=self._settings.timeout, metadata=metadata)

    async def _connect(self) -> Seen | None:
        """A new channel to where the application listens; what is in the way, if something is."""
        places = await places_of(self._address)
        place = await first_accepting(places, self._settings.timeout)
        if place is None:
            return failing(await why_nobody(self._address, places, self._settings.timeout))
        await self._found(place)
        self._place = place
        # Asked by its bare greeting while it was foreign: one connection a check, as the application sees it.
        if self._was_foreign and (obstacle := await self._foreign()):
            return obstacle
        self._channel = grpc.aio.insecure_channel(_target(place), options=_OPTIONS)
        return None

    async def _without_answer(self, channel: grpc.aio.Channel, error: grpc.aio.AioRpcError, took: float) -> Seen:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and took >= self._settings.timeout * _NEARLY:
            return await self._silent()
        # An UNAVAILABLE over a connection that goes on was the application's answer.
        if error.code() is grpc.StatusCode.UNAVAILABLE and channel.get_state() is not grpc.ChannelConnectivity.READY:
            await self.close()
            return await self._foreign() or failing(f"{error.code().name}: {error.details()}")
        return WELL

    async def _silent(self) -> Seen:
        await self.close()
        waited = f"no answer to a health check within {self._settings.timeout:g} s"
        if await accepts(self._place, self._settings.timeout):
            return Seen(State.BUSY, f"{waited}, though {self._place} takes connections")
        return failing(f"{waited}, and {self._place} takes no connection")

    async def _foreign(self) -> Seen | None:
        sentence = await foreign(self._place, self._settings.timeout)
        self._was_foreign = sentence is not None
        return Seen(State.FOREIGN, sentence) if sentence else None


def _judged(answer: bytes) -> Seen:
    from grpc_health.v1 import health_pb2

    try:
        status = health_pb2.HealthCheckResponse.FromString(answer).status
    except DecodeError:
        return WELL
    return failing("it says NOT_SERVING") if status == health_pb2.HealthCheckResponse.NOT_SERVING else WELL


def _target(place: HostPort) -> str:
    # By scheme, so that no resolver is asked what is known.
    return f"ipv6:{place}" if ":" in place.host else f"ipv4:{place}"
