"""`tulle describe NAMESPACE/NAME`."""

from typing import Annotated

import typer

from tulle.options import ControlPlaneAddress, Credentials, Output
from tulle.output import Format


def describe(
    service: Annotated[str, typer.Argument(help="namespace/name, or 'limits' for those of a sidecar")],
    method: Annotated[str, typer.Option(help="package.Service/Method, for the route that takes it")] = "",
    admin: Annotated[str, typer.Option(help="with 'limits': host:port of a sidecar, for the values that it has")] = "",
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the policy in force for a service, each value with its origin."""
    if service == "limits":
        from tulle import limits_view

        limits_view.limits.emit(limits_view.in_force(admin) if admin else limits_view.defaults(), output)
        return

    from protos.tulle.v1 import policy_pb2
    from tulle import views
    from tulle.client import connect
    from tulle.kinds import ServiceName
    from tulle.output import dump

    request = policy_pb2.DescribeRequest(service=str(ServiceName.parse(service, "SERVICE")), method=method)
    with connect(credentials, control_plane) as plane:
        answer = plane.call(plane.policy.Describe, request)
    if output in (Format.JSON, Format.YAML):
        print(dump(views.plain(answer), output))  # noqa: T201 - stdout is data
        return
    views.effective.emit(list(answer.values), output)
    if output is not Format.NAME:
        print()  # noqa: T201 - stdout is data
        views.instances.emit(list(answer.instances), output)
