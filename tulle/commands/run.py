"""`tulle run --service NAMESPACE/NAME --port PORT -- COMMAND…`."""

from typing import Annotated

import typer

from tulle import sidecar_flags as flags


def run(  # noqa: PLR0913, PLR0917 - a parameter a flag
    service: flags.Service,
    command: Annotated[list[str], typer.Argument(help="what to run, after --")],
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="loopback port that the command serves on; default: it only calls"),
    ] = None,
    https_proxy: Annotated[
        bool, typer.Option("--https-proxy", help="set https_proxy as well: grpc-go reads nothing else")
    ] = False,
    namespace: flags.Namespace = "default",
    outbound: flags.Outbound = "127.0.0.1:0",
    inbound: flags.Inbound = "127.0.0.1:0",
    advertise: flags.Advertise = None,
    upstream: flags.Upstream = None,
    admin: flags.Admin = "127.0.0.1:0",
    label: flags.Label = None,
    weight: flags.Weight = 1,
    control_plane: flags.ControlPlane = None,
    token: flags.Token = None,
    token_file: flags.TokenFile = None,
    state: flags.State = None,
    instance: flags.Instance = None,
    grace: flags.Grace = "30s",
    workers: flags.Workers = 0,
    limit: flags.LimitFlag = None,
    otlp: flags.Otlp = True,
) -> int:
    """Run a command beside its own sidecar.

    The sidecar is ready before the command starts. SIGTERM or Ctrl-C: callers let go, open calls end, the command is
    stopped, and its own calls still go out until it has. The exit code is the command's.
    """
    config = flags.build(locals(), f"127.0.0.1:{port}" if port else None)

    import asyncio
    import os

    from sidecar.errors import SidecarError
    from tulle.command_environment import Capture
    from tulle.logs import log_to_stderr
    from tulle.runner import find_command, run_beside

    find_command(command)
    log_to_stderr()
    try:
        exited = asyncio.run(
            run_beside(config, command, Capture.HTTPS_TOO if https_proxy else Capture.GRPC, os.environ)
        )
    except SidecarError as error:
        raise flags.explain(error) from error
    return exited.code
