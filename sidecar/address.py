"""A "host:port", valid from its construction on."""

import ipaddress
from dataclasses import dataclass
from typing import Self

LOOPBACK_NAME = "localhost"


@dataclass(frozen=True, slots=True)
class HostPort:
    """`port` is 0 to 65535; an IPv6 host is written in brackets. Raises ValueError."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "127.0.0.1:7440", "[::1]:7440" or "name:7440"."""
        host, colon, port = text.rpartition(":")
        if not colon or not host:
            raise ValueError(f"{text!r} is not host:port")
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"the port of {text!r} is not a number from 0 to 65535")
        if host.startswith("[") and host.endswith("]"):
            host = str(ipaddress.IPv6Address(host[1:-1]))
        elif ":" in host:
            raise ValueError(f"{text!r} is not host:port; write an IPv6 address in brackets")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host == LOOPBACK_NAME or _is(self.host, "is_loopback")

    @property
    def is_wildcard(self) -> bool:
        """Whether it means every address of this machine, which nobody can dial."""
        return _is(self.host, "is_unspecified")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_ip(host: str) -> bool:
    """Whether `host` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is(host: str, trait: str) -> bool:
    return is_ip(host) and bool(getattr(ipaddress.ip_address(host), trait))
