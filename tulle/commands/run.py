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
    from tulle.staying import stay_beside

    return stay_beside(locals())
