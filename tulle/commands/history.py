"""`tulle history`."""

from typing import Annotated

import typer

from tulle.options import ControlPlaneAddress, Credentials, Output
from tulle.output import Format


def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="at most so many, newest first")] = 20,
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    output: Output = Format.TABLE,
) -> None:
    """List revisions: who wrote what, when and why."""
    from protos.tulle.v1 import policy_pb2
    from tulle.client import connect
    from tulle.views import revisions

    with connect(credentials, control_plane) as plane:
        answer = plane.call(plane.policy.History, policy_pb2.HistoryRequest(limit=limit))
    revisions.emit(list(answer.revisions), output)
