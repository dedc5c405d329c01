"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from tulle.output import Format

Credentials = Annotated[
    Path | None,
    typer.Option(
        help="the operator's credential file; default ./.tulle/control-plane/operator.json, then the user's own"
    ),
]
ControlPlaneAddress = Annotated[
    str | None, typer.Option("--control-plane", help="host:port, instead of the one in the credential file")
]
Output = Annotated[Format, typer.Option("--output", "-o", help="what stdout gets")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="no talk on stderr, errors alone")]
Author = Annotated[str | None, typer.Option(help="who writes; default the user's name")]
Reason = Annotated[str, typer.Option(help="why, for the history")]
