"""A service's own SQLite file, shared by the instances of that service and by nobody else."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Database:
    """One connection with short transactions; several processes may hold one each."""

    def __init__(self, file: Path, schema: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=10.0, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        # The shop is made anew at each start: a lost page costs nothing, an fsync an order would.
        self._connection.execute("PRAGMA synchronous = OFF")
        # Not executescript(): it would commit the transaction, and two instances may start at the same time.
        with self.transaction() as connection:
            for statement in filter(str.strip, schema.split(";")):
                connection.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; the write lock is taken at the start, so that no reader must be upgraded."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Read outside a transaction."""
        return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
