"""Stock and reservations."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from demo.shop.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (sku TEXT PRIMARY KEY, title TEXT NOT NULL,
                                     price_cents INTEGER NOT NULL, in_stock INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS held (order_id TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
                                 PRIMARY KEY (order_id, sku))
"""

# A demo runs for hours and nobody restocks: enough for all of it, but for the one that shows what a refusal looks like.
CATALOGUE = (
    ("tulle-veil", "Tulle veil", 4_900, 50_000_000),
    ("silk-scarf", "Silk scarf", 7_500, 50_000_000),
    ("linen-shirt", "Linen shirt", 6_200, 50_000_000),
    ("wool-socks", "Wool socks", 1_400, 50_000_000),
    ("lace-gloves", "Lace gloves", 3_300, 50_000_000),
    ("felt-hat", "Felt hat", 8_800, 50_000_000),
    ("gold-thread", "Gold thread, sold out", 990, 0),
)


@dataclass(frozen=True, slots=True)
class Product:
    """One row of the catalogue; prices in cents."""

    sku: str
    title: str
    price_cents: int
    in_stock: int


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one product."""

    sku: str
    quantity: int


class UnknownProductError(Exception):
    """No product has that sku."""


class OutOfStockError(Exception):
    """Fewer are there than are asked for."""


class InventoryStore:
    """What is in stock and what is held for which order."""

    def __init__(self, file: Path) -> None:
        self._database = Database(file, SCHEMA)
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?)", CATALOGUE)

    def products(self) -> list[Product]:
        """The whole catalogue, by title."""
        return [Product(**dict(row)) for row in self._database.rows("SELECT * FROM products ORDER BY title")]

    def reserve(self, order_id: str, lines: Iterable[Line]) -> int:
        """Hold every line or none; the total in cents. An order that already holds something is answered as before."""
        with self._database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM held WHERE order_id = ?", (order_id,)).fetchone():
                for line in lines:
                    _hold(connection, order_id, line)
            return _total(connection, order_id)

    def release(self, order_id: str) -> bool:
        """Give back what the order holds; False when it holds nothing."""
        with self._database.transaction() as connection:
            held = connection.execute(
                "DELETE FROM held WHERE order_id = ? RETURNING sku, quantity", (order_id,)
            ).fetchall()
            connection.executemany(
                "UPDATE products SET in_stock = in_stock + ? WHERE sku = ?",
                [(row["quantity"], row["sku"]) for row in held],
            )
        return bool(held)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _hold(connection: sqlite3.Connection, order_id: str, line: Line) -> None:
    row = connection.execute("SELECT in_stock FROM products WHERE sku = ?", (line.sku,)).fetchone()
    if row is None:
        raise UnknownProductError(f"no product {line.sku!r}")
    if row["in_stock"] < line.quantity:
        raise OutOfStockError(f"{line.sku}: {row['in_stock']} in stock, {line.quantity} asked for")
    connection.execute("UPDATE products SET in_stock = in_stock - ? WHERE sku = ?", (line.quantity, line.sku))
    connection.execute(
        "INSERT INTO held VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
        (order_id, line.sku, line.quantity),
    )


def _total(connection: sqlite3.Connection, order_id: str) -> int:
    row = connection.execute(
        "SELECT SUM(quantity * price_cents) AS total FROM held JOIN products USING (sku) WHERE order_id = ?",
        (order_id,),
    ).fetchone()
    return int(row["total"] or 0)
