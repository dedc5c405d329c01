"""`tulle sidecar`."""

from typing import Annotated

import typer

from protos import names
from tulle import sidecar_flags as flags


def sidecar(  # noqa: PLR0913, PLR0917 - a parameter a flag
    service: flags.Service,
    namespace: flags.Namespace = "default",
    application: Annotated[
        str | None, typer.Option(help="host:port where the application listens; default: it only calls")
    ] = None,
    outbound: flags.Outbound = f"127.0.0.1:{names.OUTBOUND_PORT}",
    inbound: flags.Inbound = "127.0.0.1:0",
    advertise: flags.Advertise = None,
    upstream: flags.Upstream = None,
    admin: flags.Admin = f"127.0.0.1:{names.SIDECAR_ADMIN_PORT}",
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
) -> None:
    """Run a sidecar beside a service that is started elsewhere. Prints one line when it is ready; SIGTERM stops it."""
    from tulle.staying import stay_as_sidecar

    stay_as_sidecar(locals())
