"""The storefront's visits: which call was made how often, so that a restart does not forget."""

from pathlib import Path

from demo.shop.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS visits (page TEXT PRIMARY KEY, count INTEGER NOT NULL)"


class VisitStore:
    """A counter a page."""

    def __init__(self, file: Path) -> None:
        self._database = Database(file, SCHEMA)

    def visit(self, page: str) -> None:
        """Count one."""
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO visits VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1", (page,))

    def counts(self) -> dict[str, int]:
        """All counters."""
        return {row["page"]: row["count"] for row in self._database.rows("SELECT * FROM visits")}

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
