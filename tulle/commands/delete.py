"""`tulle delete KIND NAME`, or `-f` for what files hold."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tulle.options import Author, ControlPlaneAddress, Credentials, Output, Quiet, Reason
from tulle.output import Format

if TYPE_CHECKING:
    from protos.tulle.v1 import policy_pb2


def delete(  # noqa: PLR0913, PLR0917 - a parameter a flag
    kind: Annotated[str, typer.Argument(help="Mesh, Service, GRPCRoute, TrafficPolicy or AccessPolicy")] = "",
    name: Annotated[str, typer.Argument(help="the document's name")] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="the document's namespace")] = "default",
    file: Annotated[
        list[str] | None, typer.Option("--file", "-f", help="delete what these files or folders hold")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    expect: Annotated[int, typer.Option(min=0, help="only on top of this revision; 0: any")] = 0,
    reason: Reason = "",
    author: Author = None,
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    output: Output = Format.TABLE,
    quiet: Quiet = False,
) -> None:
    """Delete policy documents."""
    from protos.tulle.v1 import policy_pb2
    from tulle.author import name_of
    from tulle.client import connect
    from tulle.output import say
    from tulle.views import changes, key_text

    keys = _keys(kind, name, namespace, file or [])
    if not yes and sys.stdin.isatty():
        typer.confirm("delete " + ", ".join(key_text(key) for key in keys) + "?", abort=True, err=True)
    request = policy_pb2.DeleteRequest(keys=keys, author=name_of(author), reason=reason, expected_revision=expect)
    with connect(credentials, control_plane) as plane:
        answer = plane.call(plane.policy.Delete, request)
    for warning in answer.warnings:
        say(f"warning: {warning}")
    changes.emit(list(answer.changes), output)
    say(f"revision {answer.revision}", quiet=quiet)


def _keys(kind: str, name: str, namespace: str, files: list[str]) -> "list[policy_pb2.DocumentKey]":
    from protos.tulle.v1 import policy_pb2
    from tulle.errors import UsageProblem
    from tulle.kinds import document_kind
    from tulle.sources import document_keys

    if files and not kind:
        return document_keys(files)
    if files or not (kind and name):
        raise UsageProblem(
            "KIND and NAME, or --file: one of both is expected", "for example: tulle delete GRPCRoute payments -n shop"
        )
    return [policy_pb2.DocumentKey(kind=document_kind(kind), namespace=namespace, name=name)]
