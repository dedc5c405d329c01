"""What a peer may cost a sidecar: each limit by its name, with unit, default and range; the engine keeps to them.

The names are the fields of `Limits` in engine.proto. Values are written as on the command line: a whole number, or
seconds with an "s" ("2.5s").
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.duration_pb2 import Duration

from protos.tulle.v1 import engine_pb2

SECONDS: Final = "s"
_MEBIBYTE: Final = 1 << 20
_MOST_WINDOW: Final = (1 << 31) - 1
_GOAWAY: Final = "GOAWAY ENHANCE_YOUR_CALM"


@dataclass(frozen=True, slots=True)
class Limit:
    """`default`, `least` and `most` in `unit`; `over` is what happens to a peer that goes over it."""

    name: str
    unit: str
    default: int
    least: float
    most: int
    what: str
    over: str

    def check(self, text: str) -> float:
        """The value in `unit`. Raises ValueError with the cause and the remedy."""
        try:
            value = float(text.removesuffix(SECONDS)) if self.unit == SECONDS else int(text)
        except ValueError:
            raise ValueError(
                f"{self.name}={text!r} is no {self._form()}, such as {self.default}{self._suffix()}"
            ) from None
        if not self.least <= value <= self.most:
            raise ValueError(f"{self.name}={text!r} is not from {self.range}")
        return value

    @property
    def range(self) -> str:
        """ "1 to 10000" """
        return f"{self.least:g}{self._suffix()} to {self.most}{self._suffix()}"

    def shown(self, value: float) -> str:
        """A value as it is written."""
        return f"{value:g}{SECONDS}" if self.unit == SECONDS else str(int(value))

    def _suffix(self) -> str:
        return SECONDS if self.unit == SECONDS else ""

    def _form(self) -> str:
        return "number of seconds" if self.unit == SECONDS else "whole number"


def _rate(name: str, default: int, what: str) -> Limit:
    return Limit(name, "in 10 s", default, 1, 1_000_000, what, _GOAWAY)


LIMITS: Final[tuple[Limit, ...]] = (
    Limit("max_concurrent_streams", "streams", 100, 1, 10_000, "open on a connection", "REFUSED_STREAM"),
    Limit(
        "max_header_list_bytes",
        "bytes",
        16_384,
        1_024,
        _MEBIBYTE,
        "of a field section",
        "RESOURCE_EXHAUSTED, that call",
    ),
    Limit("max_header_fields", "fields", 128, 16, 10_000, "of a field section", "RESOURCE_EXHAUSTED, that call"),
    Limit("max_continuation_frames", "frames", 8, 1, 1_000, "of a header block", _GOAWAY),
    Limit("header_block_timeout", SECONDS, 5, 0.1, 600, "from a header block's begin to its end", _GOAWAY),
    Limit("stream_window_bytes", "bytes", 65_536, 1, _MOST_WINDOW, "a stream may send ahead", "FLOW_CONTROL_ERROR"),
    Limit(
        "connection_window_bytes",
        "bytes",
        _MEBIBYTE,
        65_535,
        _MOST_WINDOW,
        "a connection may send ahead",
        "GOAWAY FLOW_CONTROL_ERROR",
    ),
    Limit("retry_buffer_bytes_per_call", "bytes", 65_536, 1, 64 * _MEBIBYTE, "kept of a request", "no further attempt"),
    Limit(
        "retry_buffer_bytes_per_worker",
        "bytes",
        16 * _MEBIBYTE,
        1,
        (1 << 32) - 1,
        "kept of all requests",
        "no further attempt",
    ),
    Limit("handshake_timeout", SECONDS, 10, 0.1, 600, "TLS, preface and first SETTINGS", "close"),
    Limit("idle_timeout", SECONDS, 900, 0.1, 86_400, "a connection without streams", "GOAWAY NO_ERROR"),
    Limit("stall_timeout", SECONDS, 60, 0.1, 86_400, "a stream or socket that takes nothing", "reset, or close"),
    _rate("resets", 2_000, "requests of another sidecar reset under 1 ms after their opening"),
    _rate("stream_errors", 200, "streams reset for the peer's errors"),
    _rate("settings_frames", 100, "SETTINGS and acknowledgements"),
    _rate("control_frames", 1_000, "PING, PRIORITY, WINDOW_UPDATE or useless frames, beside what traffic earns"),
    Limit("empty_data_frames", "frames", 100, 1, 1_000_000, "without content, one after the other", _GOAWAY),
    Limit("unread_frames", "frames", 1_000, 1, 1_000_000, "that wait for a peer which does not read", _GOAWAY),
    Limit(
        "unread_bytes",
        "bytes",
        _MEBIBYTE,
        65_536,
        1 << 30,
        "of output, for a peer which does not read",
        "reading stops",
    ),
)
BY_NAME: Final[Mapping[str, Limit]] = {limit.name: limit for limit in LIMITS}


def read_limits(texts: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE each, by name. Raises ValueError with the cause and the remedy."""
    read = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} has no '='; write name=value, as in resets=1000")
        read[name] = value
    return read


def check_limits(limits: Mapping[str, str]) -> None:
    """Raises ValueError naming the first limit that is none or out of its range."""
    for name, text in limits.items():
        limit = BY_NAME.get(name)
        if limit is None:
            raise ValueError(f"{name!r} is no limit; 'tulle describe limits' lists them")
        limit.check(text)


def encode_limits(limits: Mapping[str, str]) -> engine_pb2.Limits:
    """As the engine takes them; those not given stay unset, which means the default."""
    wire = engine_pb2.Limits()
    for name, text in limits.items():
        limit = BY_NAME[name]
        value = limit.check(text)
        if limit.unit == SECONDS:
            getattr(wire, name).CopyFrom(Duration(seconds=int(value), nanos=round(value % 1 * 1e9)))
        else:
            setattr(wire, name, int(value))
    return wire
