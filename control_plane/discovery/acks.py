"""What every sidecar was sent and has answered: the list of proxies, and waiting for all of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from control_plane.clock import Clock
from control_plane.discovery.cell import Cell
from control_plane.errors import InvalidError
from control_plane.events import EventSink
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import discovery_pb2

REMEMBERED: Final = timedelta(minutes=10)
"""How long a sidecar that is gone stays on the list."""


class UnsentRevisionError(InvalidError):
    """An answer to a snapshot that was never sent."""


class Proxy:
    """One sidecar's stream, and what it has answered. A new stream of the same instance takes its place."""

    def __init__(self, ref: WorkloadRef, hello: discovery_pb2.Hello, cell: Cell) -> None:
        self.ref = ref
        self.instance = hello.instance
        self.version = hello.version
        self.connected = True
        self.last_seen_ms = 0
        self._cell = cell
        self._sent = 0
        # A sidecar that starts from its cache runs that revision already; one of another store's future cannot be ours.
        self._acked = hello.revision if hello.revision <= cell.snapshot.revision else 0
        self._nack: discovery_pb2.Nack | None = None
        self._answered = asyncio.Event()

    def sent(self, revision: int) -> None:
        self._sent = revision
        self._answered.clear()

    def ack(self, revision: int) -> None:
        self._check(revision)
        self._acked = revision
        self._nack = None
        self._settle(revision)

    def nack(self, nack: discovery_pb2.Nack) -> None:
        self._check(nack.revision)
        self._nack = nack
        self._settle(nack.revision)

    async def answered(self) -> None:
        """Returns when the last snapshot that was sent has its ACK or NACK."""
        await self._answered.wait()

    def runs(self, revision: int) -> bool:
        """Whether the sidecar acknowledged everything up to the store's `revision`."""
        return self._cell.effective(self._acked) >= revision

    def refused(self, revision: int) -> bool:
        return self._nack is not None and self._nack.revision >= revision

    def encode(self) -> discovery_pb2.Proxy:
        return discovery_pb2.Proxy(
            instance=self.instance,
            identity=self.ref.spiffe_id,
            version=self.version,
            connected=self.connected,
            sent_revision=self._cell.effective(self._sent),
            acked_revision=self._cell.effective(self._acked),
            nack=self._nack,
            last_seen_unix_ms=self.last_seen_ms,
        )

    def _check(self, revision: int) -> None:
        if revision > self._sent:
            raise UnsentRevisionError(f"revision {revision} was answered and the newest sent is {self._sent}")

    def _settle(self, revision: int) -> None:
        if revision == self._sent:
            self._answered.set()


class Proxies:
    """Every sidecar seen in the last minutes, by identity and instance."""

    def __init__(self, clock: Clock, events: EventSink) -> None:
        self._clock = clock
        self._events = events
        self._proxies: dict[tuple[str, str], Proxy] = {}
        self._changed = asyncio.Event()

    @contextmanager
    def connected(self, ref: WorkloadRef, hello: discovery_pb2.Hello, cell: Cell) -> Iterator[Proxy]:
        """The sidecar's entry while its stream lasts."""
        self._forget()
        proxy = Proxy(ref, hello, cell)
        self._proxies[ref.spiffe_id, hello.instance] = proxy
        self._seen(proxy)
        try:
            yield proxy
        finally:
            proxy.connected = False
            self._seen(proxy)

    def answer(self, proxy: Proxy, request: discovery_pb2.WatchRequest) -> None:
        """Take an ACK or NACK. UnsentRevisionError, InvalidError."""
        match request.WhichOneof("message"):
            case "ack":
                proxy.ack(request.ack.revision)
            case "nack":
                proxy.nack(request.nack)
                what = f"refused revision {request.nack.revision}: {request.nack.resource}: {request.nack.detail}"
                self._events.record("nack", proxy.instance, what)
            case _:
                raise InvalidError("a watch takes one hello, then acks and nacks", hint="open another stream")
        self._seen(proxy)

    def listed(self) -> list[discovery_pb2.Proxy]:
        """What operators see, in the order of identity and instance."""
        self._forget()
        return [proxy.encode() for _, proxy in sorted(self._proxies.items())]

    def connected_count(self) -> int:
        return sum(proxy.connected for proxy in self._proxies.values())

    def announce(self) -> None:
        """Wake who waits: snapshots moved or answers came."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def acknowledged(self, revision: int, leaving: str, patience: timedelta) -> list[str]:
        """Wait until every connected sidecar but `leaving` has answered `revision`; those that do not run it."""
        deadline = asyncio.ensure_future(self._clock.sleep(patience.total_seconds()))
        try:
            while not deadline.done() and any(not p.refused(revision) for p in self._behind(revision, leaving)):
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({deadline, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            deadline.cancel()
        return [proxy.instance for proxy in self._behind(revision, leaving)]

    def _behind(self, revision: int, leaving: str) -> list[Proxy]:
        proxies = self._proxies.values()
        return [p for p in proxies if p.connected and p.instance != leaving and not p.runs(revision)]

    def _seen(self, proxy: Proxy) -> None:
        proxy.last_seen_ms = self._now_ms()
        self.announce()

    def _forget(self) -> None:
        oldest = self._now_ms() - REMEMBERED // timedelta(milliseconds=1)
        kept = {key: p for key, p in self._proxies.items() if p.connected or p.last_seen_ms >= oldest}
        self._proxies = kept

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)
