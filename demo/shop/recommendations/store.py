"""What is bought together, counted from confirmed orders."""

from itertools import permutations
from pathlib import Path

from demo.shop.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS pairs (sku TEXT NOT NULL, other TEXT NOT NULL, score INTEGER NOT NULL,
                                  PRIMARY KEY (sku, other));
CREATE TABLE IF NOT EXISTS seen (position INTEGER PRIMARY KEY)
"""


class RecommendationStore:
    """Pairs of products with how many orders held both."""

    def __init__(self, file: Path) -> None:
        self._database = Database(file, SCHEMA)

    def learn(self, position: int, skus: set[str]) -> None:
        """Count an order's products once, however often its event comes."""
        with self._database.transaction() as connection:
            if connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (position,)).rowcount == 0:
                return
            connection.executemany(
                "INSERT INTO pairs VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET score = score + 1",
                permutations(sorted(skus), 2),
            )

    def best(self, sku: str, limit: int) -> list[tuple[str, int]]:
        """(other sku, score), best first."""
        query = "SELECT other, score FROM pairs WHERE sku = ? ORDER BY score DESC, other LIMIT ?"
        return [(row["other"], row["score"]) for row in self._database.rows(query, sku, limit)]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
