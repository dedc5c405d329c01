"""Renewal: a new key and SVID at half of the leaf's life, without breaking a call."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

import grpc

from protos import names
from protos.tulle.v1 import identity_pb2, identity_pb2_grpc
from sidecar.backoff import Backoff
from sidecar.clock import Clock
from sidecar.engine import Identities
from sidecar.errors import EngineRefusedError
from sidecar.link import Link

log = logging.getLogger(__name__)

RENEW_TIMEOUT: Final = 10.0
RENEWAL_BACKOFF: Final = Backoff(timedelta(seconds=1), timedelta(seconds=30))
# Of a leaf's life: 50 % ± 10 %, so that a fleet that joined together does not renew together.
_EARLIEST: Final = 0.4
_SPREAD: Final = 0.2
# Seconds. A leaf that hardly lives must not be renewed without a pause.
_AT_MOST_EVERY: Final = 1.0


@dataclass(frozen=True, slots=True)
class Life:
    """A leaf's life, in seconds since the epoch."""

    begin: float
    end: float

    def renewal(self, random: Random) -> float:
        """When to renew."""
        return self.begin + (self.end - self.begin) * (_EARLIEST + _SPREAD * random.random())


def stored_life(identity_dir: Path, not_after: float) -> Life:
    """The life of the leaf in force: from when the engine stored it, since its own begin is backdated."""
    return Life((identity_dir / names.IDENTITY_CHAIN).stat().st_mtime, not_after)


class Renewal:
    """Renews for ever; `life` reads the leaf in force."""

    def __init__(self, engine: Identities, link: Link, life: Callable[[], Life], clock: Clock, random: Random) -> None:
        self._engine = engine
        self._link = link
        self._life = life
        self._clock = clock
        self._random = random

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            life = await asyncio.to_thread(self._life)
            due = life.renewal(self._random) - self._clock.now()
            await self._clock.sleep(max(_AT_MOST_EVERY, due))
            await self._renew_until_done(life)

    async def _renew_until_done(self, life: Life) -> None:
        failures = 0
        while not await self._renew(life):
            failures += 1
            await self._clock.sleep(RENEWAL_BACKOFF.delay(failures, self._random))

    async def _renew(self, life: Life) -> bool:
        try:
            request = identity_pb2.RenewRequest(csr_der=await self._engine.create_csr())
            stub = identity_pb2_grpc.IdentityStub(self._link.channel)
            svid = await stub.Renew(request, timeout=RENEW_TIMEOUT)
            await self._engine.set_identity(svid.chain_pem, svid.bundle_pem)
        except grpc.aio.AioRpcError as error:
            self._tell(life, f"{error.code().name}: {error.details()}")
            return False
        except EngineRefusedError as error:
            self._tell(life, str(error))
            return False
        # Streams move to a channel that shows the new SVID; the engine's connections stay as they are.
        self._link.renew()
        log.info("identity of %s renewed", svid.spiffe_id)
        return True

    def _tell(self, life: Life, cause: str) -> None:
        left = life.end - self._clock.now()
        if left > 0:
            log.warning("the identity, good for %d s more, is not renewed yet: %s", left, cause)
        else:
            log.error("the identity has expired and is not renewed: %s; restart with a new join token", cause)
