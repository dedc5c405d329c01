"""Slots and spans as the bytes that are kept on disk: JSON, compressed."""

import json
import zlib
from collections.abc import Iterable
from typing import Any, Final

from control_plane.telemetry.calls import CallKey, Calls, Slot
from control_plane.telemetry.histogram import Histogram
from control_plane.telemetry.spans import Span

# 8 KiB of window and little memory, as a trace is a few KiB: making ready for the default 32 KiB took longer than all
# else of a short trace (70 µs of 80), and the bytes are as many. Any reader takes it: the header tells the window.
_WINDOW_BITS: Final = 13
_MEMORY_LEVEL: Final = 6
_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def pack_slot(slot: Slot) -> bytes:
    """A slot."""
    return _pack([[*key, *_calls(calls)] for key, calls in slot.items()])


def unpack_slot(packed: bytes) -> Slot:
    """What `pack_slot` made."""
    width = len(CallKey._fields)
    return {CallKey(*row[:width]): _read_calls(row[width:]) for row in _unpack(packed)}


def pack_spans(spans: Iterable[Span]) -> bytes:
    """The spans of a trace."""
    return _pack(list(spans))


def unpack_spans(packed: bytes) -> list[Span]:
    """What `pack_spans` made."""
    return [Span(*row) for row in _unpack(packed)]


def _calls(calls: Calls) -> list[Any]:
    durations = calls.durations
    buckets = [number for pair in durations.counts.items() for number in pair]
    return [
        calls.count,
        durations.scale,
        durations.zero,
        buckets,
        calls.request_bytes,
        calls.response_bytes,
        calls.retries,
    ]


def _read_calls(row: list[Any]) -> Calls:
    count, scale, zero, buckets, request_bytes, response_bytes, retries = row
    durations = Histogram(scale, zero, dict(zip(buckets[::2], buckets[1::2], strict=True)))
    return Calls(count, durations, request_bytes, response_bytes, retries)


def _pack(value: object) -> bytes:
    packer = zlib.compressobj(1, wbits=_WINDOW_BITS, memLevel=_MEMORY_LEVEL)
    return packer.compress(_encode(value).encode()) + packer.flush()


def _unpack(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))
