"""`tulle control-plane`."""

from pathlib import Path
from typing import Annotated

import typer

from protos import names


def control_plane(
    data: Annotated[Path, typer.Option(help="folder of store, keys and operator.json; made with mode 0700")] = Path(
        ".tulle/control-plane"
    ),
    listen: Annotated[str, typer.Option(help="host:port of the one TLS port; port 0: any free one")] = (
        f"127.0.0.1:{names.CONTROL_PLANE_PORT}"
    ),
    admin: Annotated[
        str, typer.Option(help="host:port for /healthz, /readyz, /metrics; loopback only")
    ] = "127.0.0.1:0",
    advertise: Annotated[str | None, typer.Option(help="host:port that sidecars and operators reach it by")] = None,
    trust_domain: Annotated[str, typer.Option(help="the mesh's name in identities")] = "tulle.local",
    leaf_lifetime: Annotated[str, typer.Option(help="life of workload certificates, 1m to 720h")] = "1h",
) -> None:
    """Run a control plane. Prints one line when it is ready; SIGTERM stops it."""
    import asyncio
    from datetime import timedelta

    from control_plane.app import Addresses, serve
    from control_plane.config import ControlPlaneConfig, HostPort
    from control_plane.errors import ControlPlaneError, InvalidError
    from control_plane.identity.certificate import LeafLifetime
    from control_plane.server import PortError
    from tulle.durations import parse_duration
    from tulle.errors import NotStarted, UsageProblem
    from tulle.logs import log_to_stderr
    from tulle.ready import print_ready
    from tulle.stopping import stop_on_signals

    def ready(bound: Addresses) -> None:
        credential = str(bound.operator_credential)
        print_ready("control-plane", {"address": bound.address, "admin": bound.admin, "credentials": credential})

    async def main(config: ControlPlaneConfig) -> None:
        await serve(config, ready, stop_on_signals())

    life = parse_duration("--leaf-lifetime", leaf_lifetime, timedelta(minutes=1), timedelta(days=30))
    log_to_stderr()
    try:
        asyncio.run(
            main(
                ControlPlaneConfig(
                    data_dir=data,
                    trust_domain=trust_domain,
                    listen=HostPort.parse("--listen", listen),
                    admin=HostPort.parse("--admin", admin),
                    advertise=HostPort.parse("--advertise", advertise) if advertise else None,
                    leaf_lifetime=LeafLifetime(life),
                )
            )
        )
    except (InvalidError, PortError) as error:
        raise UsageProblem(error.cause, error.hint) from error
    except ControlPlaneError as error:
        raise NotStarted(error.cause, error.hint) from error
