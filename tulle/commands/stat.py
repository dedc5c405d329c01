"""`tulle stat [SERVICE]`."""

from typing import Annotated

import typer

from tulle.options import ControlPlaneAddress, Credentials, Output
from tulle.output import Format


def stat(
    service: Annotated[str, typer.Argument(help="namespace/name as caller or target; default: all")] = "",
    window: Annotated[str, typer.Option(help="over how long, 1s to 15m")] = "1m",
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    output: Output = Format.TABLE,
) -> None:
    """Show golden metrics: rate, faults and latency by caller, target and method."""
    from datetime import timedelta

    from protos.tulle.v1 import telemetry_pb2
    from tulle.client import connect
    from tulle.durations import parse_duration
    from tulle.kinds import ServiceName
    from tulle.output import say
    from tulle.views import stats

    over = parse_duration("--window", window, timedelta(seconds=1), timedelta(minutes=15))
    request = telemetry_pb2.StatsRequest(
        service=str(ServiceName.parse(service, "SERVICE")) if service else "",
        window_ms=round(over.total_seconds() * 1000),
    )
    with connect(credentials, control_plane) as plane:
        rows = sorted(plane.call(plane.telemetry.GetStats, request).rows, key=lambda row: -row.golden.rate)
    stats.emit(rows, output)
    if not rows:
        say(f"no calls in the last {window}")
