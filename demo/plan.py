"""The demo as a list: which workloads there are, what each runs, and where the policies lie. Starts nothing itself."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

POLICIES = Path(__file__).parent / "policies"
TRUST_DOMAIN = "shop.local"
NAMESPACE = "shop"
CHAOS_INSTANCE = "payments-v1-b"


@dataclass(frozen=True, slots=True)
class Workload:
    """One instance of a service of the shop."""

    instance: str
    service: str
    module: str
    version: str = "v1"
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """ "shop/payments" """
        return f"{NAMESPACE}/{self.service}"

    def command(self, port: int, data: Path) -> list[str]:
        """What serves it on a loopback port, with its SQLite file in `data`."""
        flags = ["--port", str(port), "--data", str(data), "--version", self.version]
        return [sys.executable, "-m", self.module, *flags]


def _server(instance: str, service: str, version: str = "v1") -> Workload:
    return Workload(instance, service, f"demo.shop.{service}.server", version, {"version": version})


WAVES = (
    (
        _server("inventory", "inventory"),
        _server("payments-v1-a", "payments"),
        _server(CHAOS_INSTANCE, "payments"),
        _server("payments-v2", "payments", "v2"),
        _server("orders", "orders"),
    ),
    # These call orders as soon as they run.
    (
        _server("shipping", "shipping"),
        _server("recommendations", "recommendations"),
        _server("storefront", "storefront"),
    ),
)
"""Started together, wave after wave, each once those before it are healthy: nobody's first call finds nobody."""

SERVICES = tuple(what for wave in WAVES for what in wave)

LOAD_SERVICE = f"{NAMESPACE}/load"


def load_command(rate: float) -> list[str]:
    """The shoppers, at so many calls a second."""
    return [sys.executable, "-m", "demo.load", "--rate", f"{rate:g}"]


def chaos_command(port: int) -> list[str]:
    """What makes the instance that serves on `port` fail and recover, again and again."""
    return [sys.executable, "-m", "demo.chaos", "--target", f"127.0.0.1:{port}"]
