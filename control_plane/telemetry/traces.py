"""Traces as they come together: spans wait until their trace is quiet, then the whole goes to disk as one row."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from control_plane.telemetry.spans import Span, Summary, method_of, summarise

QUIET_SECONDS: Final = 6.0
"""Sidecars send spans every 5 s, so the parts of one trace come up to that far apart."""
MAX_WAITING_SPANS: Final = 50_000
CROWDED_SPANS: Final = 25_000
"""Over so many, the traces quiet for longest go to disk sooner: what comes of them later is merged there."""
MAX_SPANS_A_TRACE: Final = 2_000


@dataclass(frozen=True)
class TraceFilter:
    """Which traces are wanted. Empty text and 0 leave a question open; `limit` is at least 1."""

    service: str = ""
    method: str = ""
    limit: int = 50
    errors_only: bool = False
    min_duration_ms: float = 0.0

    def takes(self, summary: Summary, spans: Iterable[Span]) -> bool:
        """Whether a trace that still waits is wanted."""
        if (self.errors_only and not summary.error) or summary.duration_ms < self.min_duration_ms:
            return False
        return any(self.service in ("", span.service) and self.method in ("", method_of(span)) for span in spans)


@dataclass
class _Waiting:
    touched: float
    spans: dict[str, Span] = field(default_factory=dict)


class WaitingTraces:
    """Traces whose spans may still be coming, the one that was quiet for longest first."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, _Waiting] = OrderedDict()
        self._size = 0

    def add(self, trace_id: str, span: Span, now: float) -> bool:
        """Take a span; False: it was dropped, by a bound. `now` is monotonic seconds."""
        waiting = self._traces.setdefault(trace_id, _Waiting(now))
        if self._size >= MAX_WAITING_SPANS or len(waiting.spans) >= MAX_SPANS_A_TRACE:
            return False
        self._size += span.span_id not in waiting.spans
        waiting.spans[span.span_id] = span
        waiting.touched = now
        self._traces.move_to_end(trace_id)
        return True

    def take(self, before: float) -> dict[str, list[Span]]:
        """The traces untouched since `before`, and as many of the next as are a crowd; they then wait no more."""
        taken: dict[str, list[Span]] = {}
        while self._traces:
            trace_id, waiting = next(iter(self._traces.items()))
            if waiting.touched > before and self._size <= CROWDED_SPANS:
                break
            del self._traces[trace_id]
            self._size -= len(waiting.spans)
            if waiting.spans:
                taken[trace_id] = list(waiting.spans.values())
        return taken

    def get(self, trace_id: str) -> list[Span]:
        """The spans so far."""
        waiting = self._traces.get(trace_id)
        return list(waiting.spans.values()) if waiting else []

    def find(self, wanted: TraceFilter) -> list[Summary]:
        """Those wanted, in no order."""
        found = []
        for trace_id, waiting in self._traces.items():
            spans = list(waiting.spans.values())
            if spans and wanted.takes(summary := summarise(trace_id, spans), spans):
                found.append(summary)
        return found
