"""What a measured system is: something that can be put between the load generator and the backend."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from bench.certificates import Certificates
from bench.processes import Pinned

# One hop in plaintext; two proxies with mTLS between them; one proxy that ends the clients' mTLS.
Place = Literal["plain", "mtls_pair", "mtls_ingress"]
PLACES: tuple[Place, ...] = ("plain", "mtls_pair")
EVERYWHERE: tuple[Place, ...] = (*PLACES, "mtls_ingress")
AUTHORITY = "echo.bench"
# Streams that every system allows on a connection: what ours does as it is.
STREAMS = 100
IN_FLIGHT = 65_536  # calls and connections that every limit of every system lets through: none may refuse


@dataclass(frozen=True)
class Setting:
    """Where a system is started: the backend it forwards to, a folder of its own, the core its processes keep to (as
    taskset takes it: 0, or "0,1")."""

    place: Place
    backend_port: int
    folder: Path
    certificates: Certificates
    core: int | str


@dataclass(frozen=True)
class Door:
    """A port that takes calls, the core that they are to come from, and whom they are for."""

    port: int
    core: int
    authority: str = AUTHORITY


@dataclass(frozen=True)
class Running:
    """A started system: the port that takes calls, the processes whose CPU and memory are its bill, and others.

    `doors`: all ways in, of a system whose load has to come from certain cores.
    """

    port: int
    processes: tuple[Pinned, ...]
    beside: tuple[Pinned, ...] = ()
    doors: tuple[Door, ...] = ()

    @property
    def authority(self) -> str:
        """Whom the calls that come to `port` are for."""
        return self.doors[0].authority if self.doors else AUTHORITY

    def stop(self) -> None:
        for process in (*reversed(self.processes), *self.beside):
            process.stop()


class System(Protocol):
    """A proxy under measurement."""

    name: str
    places: tuple[Place, ...]

    def start(self, setting: Setting) -> Running:
        """Start in `setting` and return when calls are accepted. Raises ProcessFailed."""
