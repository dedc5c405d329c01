"""`tulle check`."""

from typing import Annotated

import typer

from tulle.options import ControlPlaneAddress, Credentials, Output
from tulle.output import Format


def check(
    margin: Annotated[str, typer.Option(help="a workload's certificate that ends within this fails")] = "2m",
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    output: Output = Format.TABLE,
) -> None:
    """Check environment, control plane, identity, data plane, configuration, telemetry. Ends with 1 where one fails."""
    from datetime import UTC, datetime, timedelta

    from tulle.checks import FINDINGS, State, check_environment
    from tulle.client import connect
    from tulle.durations import parse_duration
    from tulle.errors import CheckFailed, Unreachable
    from tulle.examination import engine_file, examine, sqlite_version

    within = parse_duration("--margin", margin, timedelta(seconds=1), timedelta(days=365))
    findings = list(check_environment(sqlite_version(), engine_file()))
    unreachable: Unreachable | None = None
    with connect(credentials, control_plane) as plane:
        try:
            findings += examine(plane, datetime.now(UTC), within)
        except Unreachable as error:
            unreachable = error
    FINDINGS.emit(findings, output)
    if unreachable:
        raise unreachable
    failed = sum(finding.state is State.FAIL for finding in findings)
    if failed:
        raise CheckFailed(f"{failed} of {len(findings)} checks failed", "each has its hint with -o wide")
