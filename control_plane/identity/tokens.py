"""Join tokens: a secret that lets one workload in, once, within minutes.

Only the SHA-256 of a secret is stored (32 random bytes need no salt), as part of the key. A token is spent by a
compare-and-set on its record, so that of any number of concurrent tries, before or after a restart, one succeeds.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from control_plane.clock import Clock
from control_plane.errors import InvalidError, UnauthenticatedError
from control_plane.store.base import (
    ABSENT,
    Entry,
    Expectation,
    Put,
    RevisionConflictError,
    Store,
    Transaction,
)
from control_plane.workload import WorkloadRef

PREFIX: Final = "/tokens/"
SECRET_BYTES: Final = 32
DEFAULT_TTL: Final = timedelta(minutes=10)
SHORTEST_TTL: Final = timedelta(minutes=1)
LONGEST_TTL: Final = timedelta(days=1)
NEW_TOKEN: Final = "create another with `tulle token create`"  # noqa: S105 - a hint, not a secret


class InvalidTtlError(InvalidError):
    """A token's lifetime out of its range."""


class TokenRefusedError(UnauthenticatedError):
    """The secret is unknown, was used, or has expired."""


@dataclass(frozen=True, slots=True)
class TokenTtl:
    """60 s to a day; 10 minutes where nothing is said."""

    value: timedelta = DEFAULT_TTL

    def __post_init__(self) -> None:
        if not SHORTEST_TTL <= self.value <= LONGEST_TTL:
            raise InvalidTtlError(
                f"ttl_seconds is {self.value.total_seconds():g}", hint="use 60 to 86400, or 0 for 10 minutes"
            )

    @classmethod
    def from_seconds(cls, seconds: int) -> "TokenTtl":
        """From the wire, where 0 means the default."""
        return cls(timedelta(seconds=seconds)) if seconds else cls()


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is kept of a token."""

    namespace: str
    service: str
    trust_domain: str
    expires_unix_ms: int
    used_unix_ms: int | None = None

    @property
    def ref(self) -> WorkloadRef:
        return WorkloadRef(self.namespace, self.service, self.trust_domain)

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class Token:
    """What its creator gets, once."""

    secret: bytes
    ref: WorkloadRef
    expires: datetime


class Tokens:
    """Creates and spends them. `entropy(n)` gives n unguessable bytes."""

    def __init__(self, store: Store, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy

    async def create(self, ref: WorkloadRef, ttl: TokenTtl) -> Token:
        secret = self._entropy(SECRET_BYTES)
        expires = self._clock.now() + ttl.value
        record = TokenRecord(ref.namespace, ref.service, ref.trust_domain, _unix_ms(expires))
        key = _key(secret)
        await self._store.commit(
            Transaction((Put(key, record.encode()),), await self._forgotten(), (Expectation(key, ABSENT),))
        )
        return Token(secret, ref, expires)

    async def spend(self, secret: bytes) -> WorkloadRef:
        """The workload that the token was made for; TokenRefusedError."""
        entry = await self._store.get(_key(secret))
        if entry is None:
            raise TokenRefusedError("the join token is unknown", hint=NEW_TOKEN)
        record = _decode(entry)
        self._check(record)
        spent = Put(entry.key, replace(record, used_unix_ms=_unix_ms(self._clock.now())).encode())
        try:
            await self._store.commit(Transaction((spent,), (), (Expectation(entry.key, entry.mod_revision),)))
        except RevisionConflictError as error:
            raise TokenRefusedError("the join token has been used", hint=NEW_TOKEN) from error
        return record.ref

    def _check(self, record: TokenRecord) -> None:
        if record.used_unix_ms is not None:
            raise TokenRefusedError("the join token has been used", hint=NEW_TOKEN)
        if record.expires_unix_ms <= _unix_ms(self._clock.now()):
            expired = datetime.fromtimestamp(record.expires_unix_ms / 1000, UTC)
            raise TokenRefusedError(f"the join token expired at {expired:%H:%M:%S} UTC", hint=NEW_TOKEN)

    async def _forgotten(self) -> tuple[str, ...]:
        """Records that need no longer be told apart from unknown ones: a day past their end."""
        limit = _unix_ms(self._clock.now() - LONGEST_TTL)
        _, entries = await self._store.range(PREFIX)
        return tuple(entry.key for entry in entries if _decode(entry).expires_unix_ms < limit)


def _key(secret: bytes) -> str:
    return PREFIX + hashlib.sha256(secret).hexdigest()


def _decode(entry: Entry) -> TokenRecord:
    return TokenRecord(**json.loads(entry.value))


def _unix_ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
