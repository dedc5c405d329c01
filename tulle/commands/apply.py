"""`tulle apply -f FILE|DIR…`."""

from typing import Annotated

import typer

from tulle.options import Author, ControlPlaneAddress, Credentials, Output, Quiet, Reason
from tulle.output import Format


def apply(  # noqa: PLR0913, PLR0917 - a parameter a flag
    file: Annotated[list[str], typer.Option("--file", "-f", help="file, folder, or - for stdin; may be repeated")],
    reason: Reason = "",
    author: Author = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="validate and resolve, write nothing")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="until every connected proxy runs the revision")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=3600, help="seconds for --wait")] = 30.0,
    expect: Annotated[int, typer.Option(min=0, help="write only on top of this revision; 0: any")] = 0,
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    output: Output = Format.TABLE,
    quiet: Quiet = False,
) -> None:
    """Write policy documents as one revision, or none of them."""
    from protos.tulle.v1 import policy_pb2
    from tulle.author import name_of
    from tulle.client import connect
    from tulle.errors import UsageProblem
    from tulle.output import dump, say
    from tulle.proto_methods import methods_of
    from tulle.rollout import wait_until_acknowledged
    from tulle.sources import read_sources
    from tulle.views import changes, plain

    if dry_run and wait:
        raise UsageProblem("--wait: nothing is written with --dry-run", "leave one of them out")
    request = policy_pb2.ApplyRequest(
        sources=read_sources(file, methods_of),
        author=name_of(author),
        reason=reason,
        expected_revision=expect,
        dry_run=dry_run,
    )
    with connect(credentials, control_plane) as plane:
        answer = plane.call(plane.policy.Apply, request)
        for warning in answer.warnings:
            say(f"warning: {warning}")
        if output in {Format.JSON, Format.YAML}:
            print(dump(plain(answer), output))  # noqa: T201 - stdout is data
        else:
            changes.emit(list(answer.changes), output)
        say("nothing was written: --dry-run" if dry_run else f"revision {answer.revision}", quiet=quiet)
        if wait:
            count = wait_until_acknowledged(plane, answer.revision, timeout)
            say(f"revision {answer.revision} is in force in {count} of {count} connected proxies", quiet=quiet)
