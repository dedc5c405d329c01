"""`tulle token create NAMESPACE/NAME`."""

from typing import Annotated

import typer

from tulle.options import ControlPlaneAddress, Credentials, Quiet


def create(
    service: Annotated[str, typer.Argument(help="namespace/name that the token's one user becomes")],
    ttl: Annotated[str, typer.Option(help="how long it can be used, 1m to 24h")] = "10m",
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    quiet: Quiet = False,
) -> None:
    """Make a join token for one instance of a service. It is a secret, works once, and goes to stdout alone."""
    from datetime import timedelta

    from protos.tulle.v1 import identity_pb2
    from tulle.client import connect
    from tulle.durations import parse_duration
    from tulle.kinds import ServiceName
    from tulle.output import say
    from tulle.views import moment

    life = parse_duration("--ttl", ttl, timedelta(minutes=1), timedelta(hours=24))
    name = ServiceName.parse(service, "SERVICE")
    request = identity_pb2.CreateTokenRequest(service=str(name), ttl_seconds=round(life.total_seconds()))
    with connect(credentials, control_plane) as plane:
        answer = plane.call(plane.identity.CreateToken, request)
    print(answer.token)  # noqa: T201 - stdout is data
    say(f"for one instance of {name}, once, until {moment(answer.expires_unix_ms)}", quiet=quiet)
