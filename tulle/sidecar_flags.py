"""The flags of a sidecar, shared by `tulle sidecar` and `tulle run`; `sidecar.config` says what each may be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sidecar.app import SidecarAddresses
    from sidecar.config import SidecarConfig, UpstreamPort

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


def build(given: Mapping[str, Any], application: str | None) -> "SidecarConfig":
    """The settings from what the flags gave. Raises UsageProblem naming the flag, its cause and its remedy."""
    from datetime import timedelta

    from sidecar.config import SidecarConfig
    from sidecar.errors import InvalidSettingError
    from tulle.durations import parse_duration
    from tulle.errors import UsageProblem

    taken = ("service", "namespace", "inbound", "advertise", "admin", "weight", "control_plane", "token", "token_file")
    grace = "0s" if given["grace"] in ("0", "0s") else given["grace"]
    try:
        return SidecarConfig(
            **{name: given[name] for name in (*taken, "instance", "workers", "otlp")},
            application=application,
            outbound=None if given["outbound"] == "off" else given["outbound"],
            upstream_ports=tuple(_upstream(text) for text in given["upstream"] or ()),
            labels=dict(_label(text) for text in given["label"] or ()),
            limits=_limits(given["limit"] or ()),
            state_dir=given["state"],
            grace=timedelta(0)
            if grace == "0s"
            else parse_duration("--grace", grace, timedelta(0), timedelta(minutes=2)),
        )
    except InvalidSettingError as error:
        raise UsageProblem(str(error)) from error


def places(addresses: "SidecarAddresses", config: "SidecarConfig") -> dict[str, str]:
    """What the ready line says."""
    told = {
        "service": config.service_name,
        "outbound": addresses.outbound,
        "inbound": addresses.inbound,
        "admin": addresses.admin,
    }
    return told | {upstream.authority: upstream.listen for upstream in addresses.upstream_ports}


def explain(error: Exception) -> Exception:
    """A sidecar's refusal as an error of the command line's, with the exit code and the remedy that it has there."""
    from tulle.errors import NotStarted, Unreachable, UsageProblem

    kinds = {2: UsageProblem, 3: Unreachable}
    return kinds.get(getattr(error, "exit_code", 1), NotStarted)(str(error), hint="")


def _upstream(text: str) -> "UpstreamPort":
    from sidecar.config import UpstreamPort

    listen, _, authority = text.partition("=")
    return UpstreamPort(listen, authority)


def _limits(texts: Sequence[str]) -> dict[str, str]:
    from sidecar.limits import read_limits
    from tulle.errors import UsageProblem

    try:
        return read_limits(texts)
    except ValueError as error:
        raise UsageProblem(f"--limit {error}") from error


def _label(text: str) -> tuple[str, str]:
    from tulle.errors import UsageProblem

    key, equals, value = text.partition("=")
    if not equals:
        raise UsageProblem(f"--label {text!r} has no '='", "write key=value, as in version=v2")
    return key, value
