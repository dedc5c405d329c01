"""Orders and the log of what became of them."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.shop.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, lines TEXT NOT NULL, state TEXT NOT NULL,
                                   total_cents INTEGER NOT NULL, payment_version TEXT NOT NULL,
                                   tracking_id TEXT NOT NULL, failure TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL,
                                   state TEXT NOT NULL, lines TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS followers (follower TEXT PRIMARY KEY, position INTEGER NOT NULL)
"""

PENDING, CONFIRMED, FAILED = "pending", "confirmed", "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one product."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands."""

    order_id: str
    lines: tuple[Line, ...]
    state: str = PENDING
    total_cents: int = 0
    payment_version: str = ""
    tracking_id: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an order, at its place in the log."""

    position: int
    order_id: str
    state: str
    lines: tuple[Line, ...]


class OrderStore:
    """Every change of an order is written with its event, in one transaction."""

    def __init__(self, file: Path) -> None:
        self._database = Database(file, SCHEMA)

    def find(self, order_id: str) -> Order | None:
        """The order as it stands, if there is one."""
        for row in self._database.rows("SELECT * FROM orders WHERE order_id = ?", order_id):
            return Order(**{**dict(row), "lines": _lines(row["lines"])})
        return None

    def save(self, order: Order) -> None:
        """Write the order as it stands now, and say so in the log."""
        values = {**asdict(order), "lines": json.dumps([asdict(line) for line in order.lines])}
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO orders VALUES "
                "(:order_id, :lines, :state, :total_cents, :payment_version, :tracking_id, :failure)",
                values,
            )
            connection.execute("INSERT INTO events (order_id, state, lines) VALUES (:order_id, :state, :lines)", values)

    def events_after(self, position: int, limit: int) -> list[Event]:
        """At most `limit` events that follow `position`, oldest first."""
        rows = self._database.rows("SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?", position, limit)
        return [_event(row) for row in rows]

    def confirm(self, follower: str, position: int) -> None:
        """A follower is done with everything up to `position`."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO followers VALUES (?, ?)", (follower, position))

    def position_of(self, follower: str) -> int:
        """How far a follower has come, 0 for a new one."""
        rows = self._database.rows("SELECT position FROM followers WHERE follower = ?", follower)
        return int(rows[0]["position"]) if rows else 0

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _event(row: sqlite3.Row) -> Event:
    return Event(row["position"], row["order_id"], row["state"], _lines(row["lines"]))


def _lines(text: str) -> tuple[Line, ...]:
    return tuple(Line(**line) for line in json.loads(text))
