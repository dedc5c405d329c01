"""Shipments: one an order, dispatched when the order is confirmed."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from demo.shop.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS shipments (order_id TEXT PRIMARY KEY, tracking_id TEXT NOT NULL, address TEXT NOT NULL,
                                      dispatched INTEGER NOT NULL DEFAULT 0)
"""


@dataclass(frozen=True, slots=True)
class Shipment:
    """A parcel."""

    tracking_id: str
    address: str
    dispatched: bool


class ShipmentStore:
    """Parcels, idempotent by order id."""

    def __init__(self, file: Path) -> None:
        self._database = Database(file, SCHEMA)

    def create(self, order_id: str, address: str) -> Shipment:
        """Make the parcel, or answer with the one that is there already."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO shipments (order_id, tracking_id, address) VALUES (?, ?, ?)",
                (order_id, str(uuid4()), address),
            )
        return self.find(order_id)

    def dispatch(self, order_id: str) -> bool:
        """Send it off; False when there is no such parcel."""
        with self._database.transaction() as connection:
            return (
                connection.execute("UPDATE shipments SET dispatched = 1 WHERE order_id = ?", (order_id,)).rowcount > 0
            )

    def find(self, order_id: str) -> Shipment:
        """The parcel of an order. KeyError: there is none."""
        for row in self._database.rows("SELECT * FROM shipments WHERE order_id = ?", order_id):
            return Shipment(row["tracking_id"], row["address"], bool(row["dispatched"]))
        raise KeyError(order_id)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
