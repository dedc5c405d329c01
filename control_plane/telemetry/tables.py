"""The telemetry file, spoken to synchronously by one thread: roll-ups, traces, events.

Losing the last seconds in a power cut is accepted here, so `synchronous=NORMAL`: WAL keeps the file sound all the same.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import apsw

from control_plane.errors import StartError
from control_plane.telemetry.calls import Slot, merge
from control_plane.telemetry.codec import pack_slot, pack_spans, unpack_slot, unpack_spans
from control_plane.telemetry.events import KEPT, Event
from control_plane.telemetry.spans import Span, Summary, method_of, summarise
from control_plane.telemetry.traces import TraceFilter

FORMAT: Final = 1
# Step in seconds, and for how many seconds its roll-ups are kept.
RETENTION: Final[Mapping[int, int]] = {10: 24 * 3600, 60: 7 * 24 * 3600, 600: 30 * 24 * 3600}
TRACES_KEPT_MS: Final = 24 * 3600 * 1000
MAX_BYTES: Final = 2 * 1000**3

SCHEMA: Final = """
CREATE TABLE slots (
    step INTEGER NOT NULL, time INTEGER NOT NULL, target TEXT NOT NULL, calls BLOB NOT NULL,
    PRIMARY KEY (step, time, target)
) WITHOUT ROWID;
CREATE TABLE traces (
    id TEXT PRIMARY KEY, start_ms INTEGER NOT NULL, duration_ms REAL NOT NULL, root_service TEXT NOT NULL,
    root_method TEXT NOT NULL, spans INTEGER NOT NULL, error INTEGER NOT NULL, members TEXT NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX traces_by_start ON traces (start_ms);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    message TEXT NOT NULL
);
"""


class TelemetryFileError(StartError):
    """The telemetry file cannot be opened, or is another program's."""


class Tables:
    """One connection."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        try:
            self._connection = apsw.Connection(str(path))
            self._prepare()
        except apsw.Error as error:
            hint = "move the file away: telemetry starts anew, policy and identities are elsewhere"
            raise TelemetryFileError(f"cannot open the telemetry file {path}: {error}", hint=hint) from error

    def close(self) -> None:
        self._connection.close()

    def add_slot(self, step: int, time: int, slot: Slot) -> None:
        """Add calls to what is kept of a step, a row a called service: a restart may cut a step in two."""
        self._put_slot(step, time, merge((*self.read_slots(step, time, time + step, "").values(), slot)))

    def read_slots(self, step: int, start: int, end: int, target: str) -> dict[int, Slot]:
        """The slots of [start, end), by time; `target` "" for all."""
        rows = self._rows(
            "SELECT time, calls FROM slots WHERE step = ? AND time >= ? AND time < ? AND (? = '' OR target = ?)",
            (step, start, end, target, target),
        )
        found: dict[int, Slot] = {}
        for time, calls in rows:
            found.setdefault(time, {}).update(unpack_slot(calls))
        return found

    def roll_up(self, finer: int, step: int, start: int) -> None:
        """Make one coarse slot of the finer ones within it."""
        slot = merge(self.read_slots(finer, start, start + step, "").values())
        if slot:
            self._put_slot(step, start, slot)

    def catch_up(self) -> None:
        """Make the coarse slots that an earlier process had no time to end."""
        ((last,),) = self._rows("SELECT max(time) FROM slots WHERE step = 10", ())
        if last is not None:
            self.roll_up(10, 60, last // 60 * 60)
            self.roll_up(60, 600, last // 600 * 600)

    def write_traces(self, traces: Mapping[str, Iterable[Span]]) -> None:
        """Keep traces, with what of them is there already."""
        with self._connection:
            kept = self._read_traces(traces)
            merged = ((trace_id, _merged(kept.get(trace_id, ()), spans)) for trace_id, spans in traces.items())
            self._connection.executemany(
                "INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_trace_row(trace_id, spans) for trace_id, spans in merged),
            )

    def read_trace(self, trace_id: str) -> list[Span]:
        """The spans kept of a trace."""
        rows = self._rows("SELECT body FROM traces WHERE id = ?", (trace_id,))
        return unpack_spans(rows[0][0]) if rows else []

    def find_traces(self, wanted: TraceFilter) -> list[Summary]:
        """The newest that are wanted."""
        member = f"\n{wanted.service} {wanted.method}\n" if wanted.service and wanted.method else ""
        rows = self._rows(
            "SELECT id, start_ms, duration_ms, root_service, root_method, spans, error FROM traces"
            " WHERE duration_ms >= ? AND error >= ? AND instr(members, ?) AND instr(members, ?) AND instr(members, ?)"
            " ORDER BY start_ms DESC LIMIT ?",
            (
                wanted.min_duration_ms,
                int(wanted.errors_only),
                f"\n{wanted.service} " if wanted.service else "",
                f" {wanted.method}\n" if wanted.method else "",
                member,
                wanted.limit,
            ),
        )
        return [Summary(*row) for row in rows]

    def write_events(self, events: Iterable[Event]) -> None:
        """Keep events, the newest 5,000 in all."""
        rows = [(one.time_unix_ms, one.kind, one.subject, one.message) for one in events]
        with self._connection:
            self._connection.executemany(
                "INSERT INTO events (time_ms, kind, subject, message) VALUES (?, ?, ?, ?)", rows
            )
            self._connection.execute("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (KEPT,))

    def read_events(self) -> list[Event]:
        """Every event kept, the oldest first."""
        return [Event(*row) for row in self._rows("SELECT time_ms, kind, subject, message FROM events ORDER BY id", ())]

    def trim(self, now: int) -> None:
        """Retention by time, then by bytes: while the file is too large, the oldest tenth of all goes."""
        with self._connection:
            for step, kept in RETENTION.items():
                self._connection.execute("DELETE FROM slots WHERE step = ? AND time < ?", (step, now - kept))
            self._connection.execute("DELETE FROM traces WHERE start_ms < ?", (now * 1000 - TRACES_KEPT_MS,))
        while self.size() > self._max_bytes and self._drop_oldest():
            continue

    def size(self) -> int:
        """Bytes in use, free pages not counted."""
        ((pages, free, page),) = self._rows(
            "SELECT page_count, freelist_count, page_size"
            " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
            (),
        )
        return int((pages - free) * page)

    def _read_traces(self, ids: Iterable[str]) -> dict[str, list[Span]]:
        """Those that are kept already: one question for all, since of nearly every trace nothing is."""
        rows = self._rows(
            "SELECT id, body FROM traces WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
        )
        return {trace_id: unpack_spans(body) for trace_id, body in rows}

    def _put_slot(self, step: int, time: int, slot: Slot) -> None:
        by_target: dict[str, Slot] = {}
        for key, calls in slot.items():
            by_target.setdefault(key.target, {})[key] = calls
        rows = [(step, time, target, pack_slot(part)) for target, part in by_target.items()]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?)", rows)

    def _drop_oldest(self) -> bool:
        before = self._connection.total_changes()
        with self._connection:
            self._connection.execute(
                "DELETE FROM traces WHERE id IN"
                " (SELECT id FROM traces ORDER BY start_ms LIMIT (SELECT count(*) / 10 + 1 FROM traces))"
            )
            self._connection.execute(
                "DELETE FROM slots WHERE (step, time, target) IN (SELECT step, time, target FROM slots"
                " ORDER BY step, time LIMIT (SELECT count(*) / 10 + 1 FROM slots))"
            )
        return self._connection.total_changes() > before

    def _prepare(self) -> None:
        self._connection.set_busy_timeout(1000)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        ((version,),) = self._rows("PRAGMA user_version", ())
        if version not in (0, FORMAT):
            raise apsw.CantOpenError(f"its format is {version}, this version knows {FORMAT}")
        if version == 0:
            with self._connection:
                self._connection.execute(SCHEMA)
                self._connection.execute(f"PRAGMA user_version = {FORMAT}")

    def _rows(self, sql: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(sql, bindings))


def _merged(kept: Iterable[Span], new: Iterable[Span]) -> list[Span]:
    """Each span once, as it was sent last."""
    return list({span.span_id: span for span in (*kept, *new)}.values())


def _trace_row(trace_id: str, spans: list[Span]) -> tuple[Any, ...]:
    one = summarise(trace_id, spans)
    # "\nshop/orders a.B/C\n": a line a service and method, so that a search finds whole names alone.
    members = "\n" + "\n\n".join(sorted({f"{span.service} {method_of(span)}" for span in spans})) + "\n"
    line = (one.start_unix_ms, one.duration_ms, one.root_service, one.root_method, one.spans, int(one.error))
    return (trace_id, *line, members, pack_spans(spans))
