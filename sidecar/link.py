"""The channel to the control plane, shown with the SVID in force and replaced when that is renewed."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from protos import names

# The agent's own traffic must not go where an application's is captured (grpc_proxy), and the certificate names the
# control plane, not the address that it is reached at.
CHANNEL_OPTIONS: Final = (
    ("grpc.ssl_target_name_override", names.CONTROL_PLANE_NAME),
    ("grpc.enable_http_proxy", 0),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # A channel of its own: renewed credentials must not meet a connection made with the old ones.
    ("grpc.use_local_subchannel_pool", 1),
)
_CLOSE_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM: what the control plane is verified by, and what this side shows."""

    root_pem: bytes
    chain_pem: bytes
    key_pem: bytes

    @classmethod
    def stored(cls, identity_dir: Path) -> "Credentials":
        """The SVID in force, as the engine has stored it."""
        return cls(
            (identity_dir / names.IDENTITY_BUNDLE).read_bytes(),
            (identity_dir / names.IDENTITY_CHAIN).read_bytes(),
            (identity_dir / names.IDENTITY_KEY).read_bytes(),
        )

    def for_grpc(self) -> grpc.ChannelCredentials:
        """As grpcio takes them."""
        return grpc.ssl_channel_credentials(self.root_pem, self.key_pem, self.chain_pem)


def open_channel(address: str, credentials: Credentials) -> grpc.aio.Channel:
    """A channel to the control plane at `address` ("host:port")."""
    return grpc.aio.secure_channel(address, credentials.for_grpc(), options=CHANNEL_OPTIONS)


class Link:
    """The channel in force. Holders of a stream watch `changed` and move; the old channel closes after them."""

    def __init__(self, address: str, identity_dir: Path) -> None:
        self.address = address
        self._identity_dir = identity_dir
        self._changed = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self.credentials = Credentials.stored(identity_dir)
        self.channel = open_channel(address, self.credentials)

    def renew(self) -> None:
        """Take the SVID that is stored now."""
        previous, self.credentials = self.channel, Credentials.stored(self._identity_dir)
        self.channel = open_channel(self.address, self.credentials)
        task = asyncio.ensure_future(previous.close(_CLOSE_GRACE))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changed(self, channel: grpc.aio.Channel) -> None:
        """Return when `channel` is no longer the one in force."""
        while self.channel is channel:
            await self._changed.wait()

    async def close(self) -> None:
        """Close every channel."""
        await asyncio.gather(self.channel.close(), *self._closing, return_exceptions=True)
