"""What the dashboard is started with, validated once."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dashboard.errors import DashboardError, InsecureAddress
from protos import names


@dataclass(frozen=True)
class DashboardConfig:
    """Settings of one dashboard process.

    Args:
        credential: the operator's credential file (JSON of ``OperatorCredential``).
        session_dir: folder, made with mode 0700, where the token and the signing key are kept across restarts.
        host: listening address; anything but loopback needs TLS or ``insecure``.
        port: 0 to 65535, 0 for any free port.
        insecure: allow plaintext on an address that others reach.
        tls_certificate, tls_key: PEM files; both or none.
        window: telemetry window that health and maps are judged over, 1 s to 15 min.
        period: how often the control plane sends the topology, 250 ms to 60 s.
        grace: how long open connections have on a stop, under 5 s.

    Raises:
        InsecureAddress: a reachable host without TLS and without ``insecure``.
        DashboardError: a value out of range.
    """

    credential: Path
    session_dir: Path
    host: str = "127.0.0.1"
    port: int = names.DASHBOARD_PORT
    insecure: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    window: timedelta = timedelta(seconds=60)
    period: timedelta = timedelta(seconds=1)
    grace: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise DashboardError(f"--port {self.port} is out of range: give 0 to 65535")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise DashboardError("--tls-certificate and --tls-key belong together: give both or neither")
        if not timedelta(seconds=1) <= self.window <= timedelta(minutes=15):
            raise DashboardError(f"window {self.window.total_seconds():g} s is out of range: give 1 s to 15 min")
        if not timedelta(milliseconds=250) <= self.period <= timedelta(minutes=1):
            raise DashboardError(f"period {self.period.total_seconds():g} s is out of range: give 0.25 s to 60 s")
        if not (self.loopback or self.tls or self.insecure):
            raise InsecureAddress(self.host)

    @property
    def loopback(self) -> bool:
        """True where only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def tls(self) -> bool:
        """True where the dashboard itself speaks TLS."""
        return self.tls_certificate is not None
