"""The ledger: one charge an order, whichever instance takes it."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from demo.shop.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (order_id TEXT PRIMARY KEY, payment_id TEXT NOT NULL, amount_cents INTEGER NOT NULL,
                                    version TEXT NOT NULL, refunded INTEGER NOT NULL DEFAULT 0)
"""


@dataclass(frozen=True, slots=True)
class Charge:
    """Money taken once for an order, by a version of the service."""

    payment_id: str
    amount_cents: int
    version: str
    refunded: bool


class PaymentStore:
    """Charges and refunds, idempotent by order id."""

    def __init__(self, file: Path) -> None:
        self._database = Database(file, SCHEMA)

    def charge(self, order_id: str, amount_cents: int, version: str) -> Charge:
        """Take the money, or answer with the charge that is there already."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO charges (order_id, payment_id, amount_cents, version) VALUES (?, ?, ?, ?)",
                (order_id, str(uuid4()), amount_cents, version),
            )
        return self.find(order_id)

    def find(self, order_id: str) -> Charge:
        """The charge of an order. KeyError: there is none."""
        for row in self._database.rows("SELECT * FROM charges WHERE order_id = ?", order_id):
            return Charge(row["payment_id"], row["amount_cents"], row["version"], bool(row["refunded"]))
        raise KeyError(order_id)

    def refund(self, order_id: str) -> bool:
        """Give the money back; False when there was nothing (left) to give back."""
        with self._database.transaction() as connection:
            query = "UPDATE charges SET refunded = 1 WHERE order_id = ? AND refunded = 0"
            return connection.execute(query, (order_id,)).rowcount > 0

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
