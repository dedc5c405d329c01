"""The engine's log-linear histogram (engine.proto, `Histogram`) as exponential and as explicit buckets.

Both give each engine bucket's whole count to the target bucket that its middle falls into: the error is at most the
width of one engine bucket, 2^-scale of the value.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from protos.tulle.v1 import engine_pb2

US_A_SECOND: Final = 1_000_000
# As OpenTelemetry's SDKs do; more resolution than this only costs bytes.
MAX_EXPONENTIAL_BUCKETS: Final = 160

# gRFC A66, latency buckets, seconds.
A66_LATENCY_SECONDS: Final = (
    0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.013,
    0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 2.0,
    5.0, 10.0, 20.0, 50.0, 100.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exponential:
    """OTLP's: bucket i covers (base^(offset+i), base^(offset+i+1)] seconds, base = 2^(2^-scale)."""

    scale: int
    offset: int
    counts: tuple[int, ...]
    zero_count: int
    minimum: float


def bounds_us(index: int, scale: int) -> tuple[int, int]:
    """The values [low, high) in microseconds that engine bucket `index` counts."""
    if index < 1 << scale:
        return index, index + 1
    shift = (index >> scale) - 1
    low = (index - (shift << scale)) << shift
    return low, low + (1 << shift)


def exponential(histogram: engine_pb2.Histogram) -> Exponential:
    """As OTLP's exponential histogram, at the engine's resolution or the finest that fits MAX_EXPONENTIAL_BUCKETS."""
    scale = histogram.scale
    counts: dict[int, int] = {}
    zero_count = 0
    for middle, count in _middles_us(histogram):
        if middle < 1:
            zero_count += count
            continue
        index = math.ceil(math.log2(middle / US_A_SECOND) * 2**scale) - 1
        counts[index] = counts.get(index, 0) + count
    while counts and max(counts) - min(counts) >= MAX_EXPONENTIAL_BUCKETS:
        scale, counts = scale - 1, _halved(counts)
    return _dense(scale, counts, zero_count, _minimum(histogram))


def cumulative(histogram: engine_pb2.Histogram, bounds_seconds: Sequence[float]) -> list[int]:
    """Counts at or under each bound, and of all, as Prometheus has them."""
    counts = [0] * (len(bounds_seconds) + 1)
    for middle, count in _middles_us(histogram):
        seconds = middle / US_A_SECOND
        place = next((i for i, bound in enumerate(bounds_seconds) if seconds <= bound), len(bounds_seconds))
        counts[place] += count
    return list(accumulate(counts))


def _middles_us(histogram: engine_pb2.Histogram) -> Iterator[tuple[float, int]]:
    for index, count in zip(histogram.index, histogram.count, strict=True):
        low, high = bounds_us(index, histogram.scale)
        # Where a bucket is one value wide, the value is known.
        yield (low if high - low == 1 else (low + high) / 2), count


def _halved(counts: dict[int, int]) -> dict[int, int]:
    halved: dict[int, int] = {}
    for index, count in counts.items():
        halved[index >> 1] = halved.get(index >> 1, 0) + count
    return halved


def _dense(scale: int, counts: dict[int, int], zero_count: int, minimum: float) -> Exponential:
    if not counts:
        return Exponential(scale, 0, (), zero_count, minimum)
    first, last = min(counts), max(counts)
    return Exponential(scale, first, tuple(counts.get(i, 0) for i in range(first, last + 1)), zero_count, minimum)


def _minimum(histogram: engine_pb2.Histogram) -> float:
    return bounds_us(min(histogram.index), histogram.scale)[0] / US_A_SECOND if histogram.index else 0.0
