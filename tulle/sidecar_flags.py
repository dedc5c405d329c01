"""The flags of a sidecar as typer shows them, shared by `tulle sidecar` and `tulle run`.

`tulle/staying_flags.py` is what reads them; a test holds the two equal.
"""

from pathlib import Path
from typing import Annotated

import typer

Service = Annotated[str, typer.Option(help="namespace/name of the service")]
Namespace = Annotated[str, typer.Option(help="where --service gives a name alone")]
Outbound = Annotated[
    str, typer.Option(help="host:port for the application's own calls, or 'off'; port 0: any free one")
]
Inbound = Annotated[str, typer.Option(help="host:port for mTLS from other sidecars; port 0: any free one")]
Advertise = Annotated[
    str | None, typer.Option(help="ip or ip:port that callers dial; default: where --inbound is bound")
]
Upstream = Annotated[
    list[str] | None, typer.Option(help="host:port=authority: a port whose calls go to one service; may be repeated")
]
Admin = Annotated[str, typer.Option(help="host:port for /healthz, /readyz, /metrics; loopback only")]
Label = Annotated[
    list[str] | None, typer.Option(envvar="TULLE_LABELS", help="key=value, as in version=v2; may be repeated")
]
Weight = Annotated[int, typer.Option(help="share of calls relative to the other instances, from 1")]
ControlPlane = Annotated[str | None, typer.Option(help="host:port; default: the one in the token, or stored before")]
Token = Annotated[str | None, typer.Option(help="join token, made by 'tulle token create'; needed once")]
TokenFile = Annotated[Path | None, typer.Option(help="file that holds the join token")]
State = Annotated[
    Path | None, typer.Option(help="folder of identity and last snapshot; default .tulle/sidecar/NS/NAME")
]
Instance = Annotated[str | None, typer.Option(help="this instance's id; default: one made once and kept in --state")]
Grace = Annotated[str, typer.Option(help="how long open calls have at a stop, 0s to 2m")]
Workers = Annotated[int, typer.Option(help="threads; 0: one a core")]
LimitFlag = Annotated[
    list[str] | None,
    typer.Option(help="name=value, see 'tulle describe limits'; may be repeated", metavar="NAME=VALUE"),
]
Otlp = Annotated[
    bool, typer.Option("--otlp/--no-otlp", help="export telemetry, to the control plane unless OTEL_* says else")
]
