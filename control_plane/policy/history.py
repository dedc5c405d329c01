"""Who wrote what, when and why: one record a policy write, the newest 1,000 kept.

A record's key carries its place in the sequence; its revision is the store's own for the transaction that wrote it, so
that a record and its documents share one revision. Two writers cannot take the same place: the key must be absent.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, Literal, Self

from control_plane.policy.model import DocumentKey
from control_plane.store.base import ABSENT, Entry, Expectation, Put

PREFIX: Final = "/history/"
KEPT: Final = 1000

Action = Literal["created", "changed", "unchanged", "deleted"]


@dataclass(frozen=True)
class Change:
    """What a write did to a document."""

    key: DocumentKey
    action: Action


@dataclass(frozen=True)
class Record:
    """One write."""

    time: datetime
    author: str
    reason: str
    changes: tuple[Change, ...]

    def encode(self) -> bytes:
        """What is kept in the store."""
        changes = [{**asdict(change.key), "action": change.action} for change in self.changes]
        time = self.time.astimezone(UTC).isoformat()
        return json.dumps({"time": time, "author": self.author, "reason": self.reason, "changes": changes}).encode()

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Of what `encode` gave."""
        kept = json.loads(value)
        changes = (
            Change(DocumentKey(one["kind"], one["namespace"], one["name"]), one["action"]) for one in kept["changes"]
        )
        return cls(datetime.fromisoformat(kept["time"]), kept["author"], kept["reason"], tuple(changes))


@dataclass(frozen=True)
class History:
    """The records' entries, the oldest first."""

    entries: tuple[Entry, ...] = ()

    @property
    def revision(self) -> int:
        """Of the newest policy write; 0 before the first."""
        return self.entries[-1].mod_revision if self.entries else 0

    def newest(self, limit: int) -> list[tuple[int, Record]]:
        """Revisions and records, the newest first."""
        return [(entry.mod_revision, Record.decode(entry.value)) for entry in reversed(self.entries[-limit:])]

    def append(self, record: Record) -> tuple[Put, Expectation]:
        """What a transaction must hold to write this record, and fail if another came first."""
        place = int(self.entries[-1].key.removeprefix(PREFIX)) + 1 if self.entries else 1
        key = f"{PREFIX}{place:012d}"
        return Put(key, record.encode()), Expectation(key, ABSENT)

    def outdated(self) -> tuple[str, ...]:
        """Keys that go when one more record comes."""
        return tuple(entry.key for entry in self.entries[: max(0, len(self.entries) + 1 - KEPT)])
