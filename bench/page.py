"""The results in docs/performance.md, between two markers; `python -m bench.page` writes them from full.json."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench import report, sections, tables, targets
from bench.figures import Results
from bench.plots import draw
from bench.run import RESULTS
from bench.store import Record
from bench.tables import Table

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
IMAGES = {
    "cpu-by-system.svg": "CPU a call by system, in both places, saturated and at 2,000 calls/s",
    "latency-added.svg": "Latency added to the direct call, by percentile",
    "cpu-by-payload.svg": "CPU a call over the size of a message",
    "cpu-by-connections.svg": "CPU a call over connections and streams",
}


class NoMarkers(Exception):
    """The page lacks the lines between which results are written."""


def main() -> int:
    path = RESULTS / "full.json"
    try:
        records = report.read(path)
    except (OSError, ValueError) as failure:
        print(f"page: {path.name} cannot be read ({failure}): make bench-full writes it", file=sys.stderr)
        return 1
    draw(Results(records))
    write(records)
    return 0


def write(records: Sequence[Record], path: Path = PAGE) -> None:
    """Replace what is between the markers. Raises NoMarkers."""
    path.write_text(between(path.read_text(), section(records)))


def between(text: str, new: str) -> str:
    """`text` with `new` between its markers. Raises NoMarkers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarkers(f"the page needs a line {BEGIN} and, below it, a line {END}")
    return f"{before}{BEGIN}\n{new.strip()}\n{END}{after}"


def section(records: Sequence[Record]) -> str:
    """The results as Markdown."""
    results = Results(records)
    parts = [_origin(records), markdown(tables.verdicts(targets.judge(results)))]
    parts += [f"![{text}](images/{name})" for name, text in IMAGES.items()]
    parts += [markdown(table) for table in sections.all_of(results)]
    parts += [markdown(table) for table in (tables.cold_bursts(records), tables.without_figures(records))]
    return "\n\n".join(part for part in parts if part)


def markdown(table: Table) -> str:
    """A table with its title and note; empty without rows."""
    if not table.rows:
        return ""
    rule = ("---", *("---:" for _ in table.heads[1:]))
    lines = [f"| {' | '.join(cells)} |" for cells in (table.heads, rule, *table.rows)]
    return "\n".join([f"### {table.title}", "", *([table.note, ""] if table.note else []), *lines])


def _origin(records: Sequence[Record]) -> str:
    if not records:
        return "Nothing has been measured yet: `make bench-full`."
    origin, days = records[0].origin, sorted({record.when[:10] for record in records})
    changed = " (with changes that were not committed)" if origin.commit.endswith("+") else ""
    valid, when = sum(record.is_valid for record in records), " to ".join(dict.fromkeys((days[0], days[-1])))
    return (
        f"`make bench-full`, {when}, commit {origin.commit.rstrip('+')}{changed}, {origin.machine}:"
        f" {valid} of {len(records)} measurements have a figure; one with a failed call has none."
    )


if __name__ == "__main__":
    sys.exit(main())
