"""What can go wrong before the dashboard is up, each with its remedy.

DashboardError
├── BadCredential       the operator's credential file is missing or unreadable
├── InsecureAddress     a listening address other than loopback without TLS
├── AddressInUse        the port is taken
└── BadSessionFile      the session file is damaged or open to others
"""

from pathlib import Path


class DashboardError(Exception):
    """Base of everything that stops the dashboard from starting; its text is one line with cause and remedy."""


class BadCredential(DashboardError):
    """The operator's credential cannot be used."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(
            f"operator credential {path}: {cause}; the control plane writes it on its first start "
            "(operator.json in its data folder), name it with --credentials"
        )


class InsecureAddress(DashboardError):
    """A host other than loopback was asked for without TLS."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"--host {host} is not a loopback address and there is no TLS: "
            "give --tls-certificate and --tls-key, or --insecure if a proxy in front speaks TLS"
        )


class AddressInUse(DashboardError):
    """The port cannot be bound."""

    def __init__(self, host: str, port: int, cause: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {cause}; choose another with --port, 0 for any free one")


class BadSessionFile(DashboardError):
    """The file with token and signing key cannot be trusted."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(f"session file {path}: {cause}; delete it to get a new token, every browser signs in again")
