"""The store's tables, spoken to synchronously: one connection, used by one thread at a time.

WAL with synchronous=FULL: a commit returns after its frames are on the disk, so an acknowledged write survives kill -9
and power loss (https://sqlite.org/pragma.html#pragma_synchronous). The exclusive lock keeps a second control plane off
the same folder.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import apsw

from control_plane.errors import StartError
from control_plane.store.base import (
    Batch,
    Change,
    CompactedError,
    Entry,
    Lease,
    LeaseAbsentError,
    LeaseId,
    Put,
    RevisionConflictError,
    Transaction,
)

OLDEST_LIBRARY: Final = (3, 51, 3)
"""3.7.0 to 3.51.2 can corrupt a WAL database (https://sqlite.org/wal.html#walresetbug)."""

FORMAT: Final = 1
AFTER_EVERY_KEY: Final = "\U0010ffff"
COMPACT_EVERY: Final = 1_000

SCHEMA: Final = """
CREATE TABLE meta (revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
INSERT INTO meta VALUES (0, 0);
CREATE TABLE leases (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl_ms INTEGER NOT NULL);
CREATE TABLE entries (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, create_revision INTEGER NOT NULL, mod_revision INTEGER NOT NULL,
    lease INTEGER
) WITHOUT ROWID;
CREATE INDEX entries_by_lease ON entries (lease) WHERE lease IS NOT NULL;
CREATE TABLE changes (
    revision INTEGER NOT NULL, key TEXT NOT NULL, value BLOB, create_revision INTEGER NOT NULL, lease INTEGER,
    PRIMARY KEY (revision, key)
) WITHOUT ROWID;
"""


class LibraryTooOldError(StartError):
    """The SQLite library that apsw brings is one that can lose data."""


class DatabaseError(StartError):
    """The database file cannot be opened, is another program's, or is in use."""


class Database:
    """Entries, their changes and leases in one file."""

    def __init__(self, path: Path, keep_revisions: int) -> None:
        check_library(apsw.sqlite_lib_version())
        self._keep_revisions = keep_revisions
        self._connection = _open(path)

    def revision(self) -> int:
        return int(self._one("SELECT revision FROM meta")[0])

    def get(self, key: str) -> Entry | None:
        rows = self._rows("SELECT key, value, create_revision, mod_revision, lease FROM entries WHERE key = ?", key)
        return next((Entry(*row) for row in rows), None)

    def ranges(self, prefixes: tuple[str, ...]) -> tuple[int, list[list[Entry]]]:
        return self.revision(), [self._range(prefix) for prefix in prefixes]

    def commit(self, transaction: Transaction) -> int:
        with self._connection:
            self._expect(transaction)
            revision = self.revision() + 1
            for put in transaction.puts:
                self._put(put, revision)
            for key in transaction.deletes:
                self._delete(key, revision)
            self._advance(revision)
        return revision

    def changes(self, prefix: str, since: int, limit: int) -> tuple[int, list[Batch]]:
        """Up to `limit` changes and a bit, whole transactions, and the revision up to which they tell everything."""
        revision, compacted = self._one("SELECT revision, compacted FROM meta")
        if since < compacted:
            raise CompactedError(
                f"revisions up to {compacted} are no longer kept and {since} was asked for",
                hint="read the range again and watch from its revision",
            )
        rows = self._rows(
            "SELECT revision, key, value, create_revision, lease FROM changes WHERE revision > ? AND revision <= ("
            "  SELECT coalesce(max(revision), 0) FROM ("
            "    SELECT revision FROM changes WHERE revision > ? AND key >= ? AND key < ? ORDER BY revision LIMIT ?))"
            " AND key >= ? AND key < ? ORDER BY revision, key",
            *(since, since, prefix, prefix + AFTER_EVERY_KEY, limit, prefix, prefix + AFTER_EVERY_KEY),
        )
        batches = [Batch(number, _changes(group)) for number, group in groupby(rows, key=lambda row: int(row[0]))]
        full = sum(len(batch.changes) for batch in batches) >= limit
        return (batches[-1].revision if full else int(revision)), batches

    def grant(self, ttl: timedelta) -> Lease:
        with self._connection:
            milliseconds = ttl // timedelta(milliseconds=1)
            row = self._one("INSERT INTO leases (ttl_ms) VALUES (?) RETURNING id", milliseconds)
        return Lease(LeaseId(int(row[0])), ttl)

    def leases(self) -> list[Lease]:
        rows = self._rows("SELECT id, ttl_ms FROM leases")
        return [Lease(LeaseId(number), timedelta(milliseconds=ttl)) for number, ttl in rows]

    def revoke(self, lease: LeaseId) -> int:
        """Delete the lease and its keys; the revision after."""
        with self._connection:
            keys = [row[0] for row in self._rows("SELECT key FROM entries WHERE lease = ?", lease)]
            self._rows("DELETE FROM leases WHERE id = ?", lease)
            if not keys:
                return self.revision()
            revision = self.revision() + 1
            for key in keys:
                self._delete(key, revision)
            self._advance(revision)
        return revision

    def close(self) -> None:
        self._connection.close()

    def _range(self, prefix: str) -> list[Entry]:
        rows = self._rows(
            "SELECT key, value, create_revision, mod_revision, lease FROM entries WHERE key >= ? AND key < ?",
            prefix,
            prefix + AFTER_EVERY_KEY,
        )
        return [Entry(*row) for row in rows]

    def _expect(self, transaction: Transaction) -> None:
        revision = self.revision()
        if transaction.expected_revision not in {None, revision}:
            raise RevisionConflictError(
                f"expected revision {transaction.expected_revision} and found {revision}", hint="read again and retry"
            )
        for expectation in transaction.expectations:
            entry = self.get(expectation.key)
            found = entry.mod_revision if entry else 0
            if found != expectation.mod_revision:
                raise RevisionConflictError(
                    f"expected {expectation.key} at revision {expectation.mod_revision} and found {found}",
                    hint="read again and retry",
                )

    def _put(self, put: Put, revision: int) -> None:
        if put.lease is not None and not self._rows("SELECT 1 FROM leases WHERE id = ?", put.lease):
            raise LeaseAbsentError(f"lease {put.lease} is unknown", hint="register again")
        existing = self.get(put.key)
        created = existing.create_revision if existing else revision
        self._rows(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", put.key, put.value, created, revision, put.lease
        )
        self._rows("INSERT INTO changes VALUES (?, ?, ?, ?, ?)", revision, put.key, put.value, created, put.lease)

    def _delete(self, key: str, revision: int) -> None:
        if self._rows("DELETE FROM entries WHERE key = ? RETURNING 1", key):
            self._rows("INSERT INTO changes VALUES (?, ?, NULL, 0, NULL)", revision, key)

    def _advance(self, revision: int) -> None:
        self._rows("UPDATE meta SET revision = ?", revision)
        oldest = revision - self._keep_revisions
        if oldest > 0 and revision % COMPACT_EVERY == 0:
            self._rows("DELETE FROM changes WHERE revision <= ?", oldest)
            self._rows("UPDATE meta SET compacted = ?", oldest)

    def _rows(self, sql: str, *bindings: object) -> list[Any]:
        return self._connection.execute(sql, bindings).fetchall()

    def _one(self, sql: str, *bindings: object) -> Any:
        return self._rows(sql, *bindings)[0]


def check_library(version: str) -> None:
    """LibraryTooOldError if SQLite `version` ("3.51.2") is one whose WAL can be corrupted."""
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_LIBRARY:
        oldest = ".".join(str(part) for part in OLDEST_LIBRARY)
        raise LibraryTooOldError(
            f"SQLite {version} can corrupt a write-ahead log",
            hint=f"install apsw {oldest} or newer, which brings SQLite",
        )


def _open(path: Path) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(0)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection, path)
    except apsw.BusyError as error:
        raise DatabaseError(
            f"another process uses {path}", hint="stop the other control plane or give this one its own data folder"
        ) from error
    except apsw.Error as error:
        raise DatabaseError(f"cannot open {path}: {error}", hint="check the folder's permissions and space") from error
    return connection


def _migrate(connection: apsw.Connection, path: Path) -> None:
    with connection:
        version = connection.execute("PRAGMA user_version").fetchall()[0][0]
        if version == 0:
            connection.execute(SCHEMA)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        elif version != FORMAT:
            raise DatabaseError(
                f"{path} has format {version} and this version of tulle knows {FORMAT}", hint="upgrade tulle"
            )


def _changes(rows: Iterable[Any]) -> tuple[Change, ...]:
    return tuple(
        Change(key, None if value is None else Entry(key, value, created, revision, lease))
        for revision, key, value, created, lease in rows
    )
