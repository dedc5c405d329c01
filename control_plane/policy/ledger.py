"""Documents and their history in the store: read together, written in one transaction."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from control_plane.policy.history import PREFIX as HISTORY_PREFIX
from control_plane.policy.history import Action, Change, History, Record
from control_plane.policy.model import AccessPolicy, DocumentKey, GRPCRoute, Mesh, Service, TrafficPolicy
from control_plane.policy.policy_set import PREFIX as POLICY_PREFIX
from control_plane.policy.policy_set import PolicySet, Stored, encode
from control_plane.policy.problem import NewerRevisionError, UnknownDocumentError
from control_plane.policy.suggest import did_you_mean
from control_plane.store.base import ABSENT, Expectation, Put, RevisionConflictError, Store, Transaction

RETRIES: Final = 5
# The age of what is not stored yet: younger than anything that is.
_UNBORN: Final = 1 << 62

AnyOf = Mesh | Service | GRPCRoute | TrafficPolicy | AccessPolicy


@dataclass(frozen=True)
class Books:
    """Documents and history as they stand."""

    policies: PolicySet
    history: History

    @property
    def revision(self) -> int:
        """Of the newest policy write."""
        return self.history.revision


@dataclass(frozen=True)
class Edit:
    """What a write would do: the changes, and the documents as they would then be."""

    puts: tuple[AnyOf, ...]
    deletes: tuple[DocumentKey, ...]
    changes: tuple[Change, ...]
    after: PolicySet

    @property
    def is_empty(self) -> bool:
        """Nothing would change."""
        return not self.puts and not self.deletes


@dataclass(frozen=True)
class Author:
    """Who writes, and why."""

    name: str
    reason: str
    time: datetime


class Ledger:
    """The documents and the history of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self) -> Books:
        """History first: a write between the two reads makes the next write here conflict, never go unseen."""
        _, records = await self._store.range(HISTORY_PREFIX)
        _, documents = await self._store.range(POLICY_PREFIX)
        return Books(PolicySet.from_entries(documents), History(tuple(records)))

    async def write(
        self, edit: Callable[[Books], Edit], author: Author, expected_revision: int
    ) -> tuple[int, Edit, Books]:
        """One revision, or none: the revision in force, what was done, and what was there before.

        `expected_revision`: that of the newest policy write, 0 for any. NewerRevisionError: it is not.
        """
        for _ in range(RETRIES):
            books = await self.read()
            check_revision(books, expected_revision)
            wanted = edit(books)
            if wanted.is_empty:
                return books.revision, wanted, books
            try:
                return await self._store.commit(_transaction(books, wanted, author)), wanted, books
            except RevisionConflictError:
                continue
        raise NewerRevisionError(expected_revision, (await self.read()).revision)


def check_revision(books: Books, expected: int) -> None:
    """NewerRevisionError unless `expected` is 0 or the newest policy write."""
    if expected not in (0, books.revision):
        raise NewerRevisionError(expected, books.revision)


def upsert(books: Books, documents: Iterable[AnyOf]) -> Edit:
    """Write these documents; those that are there already as given stay unchanged."""
    puts, changes = [], []
    after = dict(books.policies.by_key)
    for document in documents:
        old = after.get(document.key)
        action: Action = "created" if old is None else "changed"
        if old is not None and encode(old.document) == encode(document):
            action = "unchanged"
        else:
            puts.append(document)
            after[document.key] = (
                replace(old, document=document) if old else Stored(document, created=_UNBORN, changed=_UNBORN)
            )
        changes.append(Change(document.key, action))
    return Edit(tuple(puts), (), tuple(changes), PolicySet.of(after.values()))


def remove(books: Books, keys: Iterable[DocumentKey]) -> Edit:
    """Delete these documents. UnknownDocumentError: one of them does not exist."""
    wanted = tuple(dict.fromkeys(keys))
    for key in wanted:
        if key not in books.policies.by_key:
            near = did_you_mean(str(key), (str(known) for known in books.policies.by_key))
            raise UnknownDocumentError(f"{key} does not exist", hint=near)
    after = PolicySet.of(stored for stored in books.policies if stored.key not in wanted)
    return Edit((), wanted, tuple(Change(key, "deleted") for key in wanted), after)


def _transaction(books: Books, edit: Edit, author: Author) -> Transaction:
    changed = tuple(change for change in edit.changes if change.action != "unchanged")
    record, place = books.history.append(Record(author.time, author.name, author.reason, changed))
    known = books.policies.by_key
    touched = [*(document.key for document in edit.puts), *edit.deletes]
    seen = (Expectation(key.path, known[key].changed if key in known else ABSENT) for key in touched)
    return Transaction(
        puts=(*(Put(document.key.path, encode(document)) for document in edit.puts), record),
        deletes=(*(key.path for key in edit.deletes), *books.history.outdated()),
        expectations=(*seen, place),
    )
