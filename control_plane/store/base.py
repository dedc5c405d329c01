"""What the control plane asks of its store: revisions, compare-and-set transactions, watches and leases.

The semantics are etcd's (https://etcd.io/docs/v3.5/learning/api/): one revision counter for the whole store, one step
a transaction; a watch sees every transaction under its prefix, in order; keys put under a lease go when it does.

Keys in use, values being serialized messages or JSON of the room that owns them:
    /registry/<namespace>/<service>/<instance>     registry_pb2.Instance, under a lease
    /tokens/<id>                                   identity.tokens
    /policy/<Kind>/<namespace>/<name>              policy
    /history/<revision>                            policy
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NewType, Protocol

from control_plane.errors import AbsentError, ConflictError, InvalidError

LeaseId = NewType("LeaseId", int)

ABSENT = 0
"""As an expected `mod_revision`: the key must not exist."""


class RevisionConflictError(ConflictError):
    """A transaction's expectation did not hold; nothing was written."""


class CompactedError(AbsentError):
    """A watch asked for revisions that are no longer kept: read the range again and watch from its revision."""


class LeaseAbsentError(AbsentError):
    """The lease expired, was revoked, or never was."""


class InvalidTransactionError(InvalidError):
    """A transaction that touches a key twice, or writes nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key as it stands."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    lease: LeaseId | None = None


@dataclass(frozen=True, slots=True)
class Put:
    key: str
    value: bytes
    lease: LeaseId | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """The key was last changed in `mod_revision`; ABSENT: it does not exist."""

    key: str
    mod_revision: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """All of it or nothing. Every key at most once among puts and deletes; deleting an absent key is no error."""

    puts: tuple[Put, ...] = ()
    deletes: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    expected_revision: int | None = None
    """The whole store's revision, for who must see no other change at all."""

    def __post_init__(self) -> None:
        keys = [put.key for put in self.puts] + list(self.deletes)
        if not keys:
            raise InvalidTransactionError("a transaction must put or delete something")
        if len(set(keys)) != len(keys):
            raise InvalidTransactionError("a transaction may touch each key once")


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a key; `entry` is None when it was deleted."""

    key: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction as a watch sees it: the changes under its prefix."""

    revision: int
    changes: tuple[Change, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Lease:
    id: LeaseId
    ttl: timedelta


class Store(Protocol):
    """Safe for concurrent use by tasks of one event loop."""

    @property
    def revision(self) -> int:
        """Of the last transaction; 0 before the first. Grows across restarts."""
        ...

    async def get(self, key: str) -> Entry | None: ...

    async def range(self, prefix: str) -> tuple[int, list[Entry]]:
        """Every entry whose key begins with `prefix`, in the order of keys, and the revision at which that was so."""
        ...

    async def ranges(self, prefixes: tuple[str, ...]) -> tuple[int, list[list[Entry]]]:
        """Several ranges as they were at one and the same revision."""
        ...

    async def commit(self, transaction: Transaction) -> int:
        """The new revision, durable when returned. RevisionConflictError, LeaseAbsentError: nothing written."""
        ...

    def watch(self, prefix: str, since_revision: int) -> AsyncGenerator[Batch, None]:
        """Each transaction after `since_revision` that touched `prefix`, in order. CompactedError if too old."""
        ...

    async def grant(self, ttl: timedelta) -> Lease: ...

    async def keep(self, lease: LeaseId) -> Lease:
        """Give the lease its whole ttl again. LeaseAbsentError."""
        ...

    async def revoke(self, lease: LeaseId) -> None:
        """End the lease now and delete its keys in one transaction. An absent lease is no error."""
        ...

    async def expire(self) -> list[LeaseId]:
        """Revoke every lease whose time is up by the store's clock; those revoked."""
        ...

    async def close(self) -> None: ...
