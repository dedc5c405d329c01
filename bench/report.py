"""Tables on the terminal, and records as a JSON file."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box, table
from rich.console import Console

from bench.store import Record
from bench.tables import Table

WIDTH = 150  # also where the output is a file


def show(tables: Sequence[Table]) -> None:
    console = Console(width=WIDTH)
    for one in tables:
        if one.rows:
            console.print(_rich(one))


def write(records: Sequence[Record], path: Path) -> None:
    """All records, the failed ones too, sorted by their keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted((asdict(record) for record in records), key=lambda record: json.dumps(record["key"]))
    path.write_text(json.dumps(ordered, indent=1) + "\n")


def read(path: Path) -> list[Record]:
    """What `write` wrote. Raises OSError, ValueError."""
    return [Record.from_json(json.dumps(record)) for record in json.loads(path.read_text())]


def _rich(one: Table) -> table.Table:
    made = table.Table(title=one.title, title_justify="left", box=box.SIMPLE_HEAD, caption=one.note or None)
    for position, head in enumerate(one.heads):
        made.add_column(head, justify="right" if position else "left", overflow="fold")
    for row in one.rows:
        made.add_row(*row)
    return made
