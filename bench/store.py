"""Measurements, a line of JSON each, appended as they are made: what is there needs no second run."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.machine import Origin


@dataclass(frozen=True)
class Key:
    """Which measurement of a plan it is."""

    block: str
    place: str
    cell: str
    system: str
    round: int
    seconds: float


@dataclass(frozen=True)
class Record:
    """One measurement. `failure` says why there are no figures; figures with "failed" calls are kept and not used."""

    key: Key
    origin: Origin
    when: str
    figures: dict[str, float] = field(default_factory=dict)
    failure: str = ""

    @property
    def is_valid(self) -> bool:
        return not self.failure and not self.figures.get("failed")

    @property
    def is_ours(self) -> bool:
        return self.key.system.startswith("tulle")

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, line: str) -> "Record":
        """Raises ValueError, TypeError or KeyError for what is none."""
        read = json.loads(line)
        key, origin = Key(**read["key"]), Origin(**read["origin"])
        return cls(key, origin, read["when"], read["figures"], read["failure"])


class Store:
    """A file of records. A line that a kill has cut short is passed over: its measurement is made again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Record]:
        if not self.path.exists():
            return []
        return [record for line in self.path.read_text().splitlines() if (record := _read(line))]

    def of(self, origin: Origin) -> list[Record]:
        """Those of one origin; of several of the same key the last counts."""
        latest = {record.key: record for record in self.read() if record.origin == origin}
        return list(latest.values())

    def append(self, record: Record) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut = self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size
        with self.path.open("a") as out:
            out.write(("\n" if cut else "") + record.to_json() + "\n")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def done(records: Iterable[Record]) -> set[Key]:
    """Measurements that need not be made again: those that have figures without a failed call."""
    return {record.key for record in records if record.is_valid}


def ours_failed(records: Iterable[Record]) -> bool:
    """Whether a measurement of ours has no figure. What a peer cannot carry is told on the page, and no fault here."""
    return any(record.is_ours and not record.is_valid for record in records)


def _read(line: str) -> Record | None:
    try:
        return Record.from_json(line)
    except (ValueError, TypeError, KeyError):
        return None
