"""The settings of a control plane, each validated when it is made."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

from control_plane.errors import InvalidError
from control_plane.identity.certificate import LeafLifetime
from control_plane.workload import check_trust_domain
from protos import names

DEFAULT_TRUST_DOMAIN: Final = "tulle.local"


class InvalidSettingError(InvalidError):
    """A flag or variable with a value that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class HostPort:
    """Where to listen: an IP address, or "localhost", and a port; port 0 is any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, setting: str, text: str) -> Self:
        """From "127.0.0.1:7443" or "[::1]:7443". InvalidSettingError naming `setting`, for example "--listen"."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise InvalidSettingError(
                f"{setting} is {text!r}", hint="the form is HOST:PORT, for example 127.0.0.1:7443"
            )
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_wildcard(self) -> bool:
        try:
            return ip_address(self.host).is_unspecified
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ControlPlaneConfig:
    """Everything that a control plane is told."""

    data_dir: Path
    """Store, keys, operator.json; made with mode 0700. One control plane uses it at a time."""

    trust_domain: str = DEFAULT_TRUST_DOMAIN
    """That of the roots in the folder; another one is refused."""

    listen: HostPort = field(default=HostPort("127.0.0.1", names.CONTROL_PLANE_PORT))
    admin: HostPort = field(default=HostPort("127.0.0.1", 0))
    """/healthz, /readyz, /metrics: loopback only, they ask for no credential."""

    advertise: HostPort | None = None
    """What join tokens and operator.json say where this control plane is, if not where it listens."""

    leaf_lifetime: LeafLifetime = field(default=LeafLifetime())

    def __post_init__(self) -> None:
        check_trust_domain(self.trust_domain)
        if not self.admin.is_loopback:
            raise InvalidSettingError(f"the admin address {self.admin} is not loopback", hint="use 127.0.0.1:PORT")

    def reachable(self, port: int) -> HostPort:
        """Where clients find the control plane that was bound to `port`."""
        if self.advertise is not None:
            return self.advertise
        return HostPort("127.0.0.1" if self.listen.is_wildcard else self.listen.host, port)
