"""What may be measured: a shape of load, a cell (one measurement), a block (cells for which a system starts once)."""

from dataclasses import dataclass
from typing import Literal

from bench.systems.base import Place

Kind = Literal["unary", "server-stream", "ping-pong", "flood", "handshake"]
Probe = Literal["load", "kernel", "fairness", "pressure"]


@dataclass(frozen=True)
class Shape:
    """What is sent: connections × streams in flight, bytes a message, messages a stream each way, calls/s (None: as
    fast as they are answered)."""

    connections: int
    streams: int
    payload: int
    rate: int | None = None
    kind: Kind = "unary"
    messages: int = 32

    @property
    def name(self) -> str:
        """ "unary 100 B 10x10 saturated" """
        pace = f"{self.rate}/s" if self.rate else "saturated"
        return f"{self.kind} {size(self.payload)} {self.connections}x{self.streams} {pace}"


@dataclass(frozen=True)
class Cell:
    """One measurement. `probe` is what is looked at: load (its own report and the CPU bill), the kernel's counts,
    how equally connections are served beside a hot one, or what generators on several cores get
    through together."""

    shape: Shape
    probe: Probe = "load"

    @property
    def name(self) -> str:
        return self.shape.name if self.probe == "load" else f"{self.probe}: {self.shape.name}"


@dataclass(frozen=True)
class Block:
    """Cells of one place. In each round every system starts once, goes through all cells and stops.

    `proxy_core` and `load_core` are what taskset takes: "0" or "0,1".
    """

    name: str
    place: Place
    cells: tuple[Cell, ...]
    systems: tuple[str, ...]
    rounds: int
    seconds: float
    proxy_core: str = "0"
    load_core: str = "1"


def size(payload: int) -> str:
    """ "100 B", "16 KiB" """
    return f"{payload // 1024} KiB" if payload and payload % 1024 == 0 else f"{payload} B"
