"""The environment of a command that runs beside a sidecar: how its calls find the outbound listener.

grpcio and grpc-js read `grpc_proxy` before all others; grpc-go reads `HTTPS_PROXY` alone, which ordinary HTTPS clients
read as well, so it is set on request only. `no_proxy` stays as the user has it.
"""

from collections.abc import Mapping
from enum import Enum, auto


class Capture(Enum):
    """Whose calls go through the outbound listener."""

    GRPC = auto()
    HTTPS_TOO = auto()


def command_environment(base: Mapping[str, str], outbound: str, capture: Capture) -> dict[str, str]:
    """`base` without our own variables (a join token among them), with the proxy's; `outbound` is "host:port" or ""."""
    environment = {name: value for name, value in base.items() if not name.startswith("TULLE_")}
    if not outbound:
        return environment
    proxy = f"http://{outbound}"
    environment |= {"grpc_proxy": proxy, "TULLE_OUTBOUND": outbound}
    if capture is Capture.HTTPS_TOO:
        environment |= {"https_proxy": proxy, "HTTPS_PROXY": proxy}
    return environment
