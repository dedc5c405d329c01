"""From what the flags of a sidecar gave to its settings; `sidecar.config` says what each may be."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.app import SidecarAddresses
    from sidecar.config import SidecarConfig, UpstreamPort


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
