"""The flags of `tulle sidecar` and `tulle run`, as `tulle/commands` declares them to typer: a test holds them equal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from protos import names
from tulle.plain_flags import REQUIRED, Flag


def flag(name: str, kind: type, default: Any = REQUIRED, **more: Any) -> Flag:
    """A flag called `--name`, of the variable TULLE_NAME, where `more` does not say otherwise."""
    said = {"on": f"--{name.replace('_', '-')}", "off": "", "variable": f"TULLE_{name.upper()}"}
    ranges = {"many": False, "positional": False, "least": None, "most": None}
    return Flag(name=name, kind=kind, default=default, **(said | ranges | more))


_SHARED: Final = (
    flag("service", str),
    flag("namespace", str, "default"),
    flag("inbound", str, "127.0.0.1:0"),
    flag("advertise", str, None),
    flag("upstream", str, None, many=True),
    flag("label", str, None, many=True, variable="TULLE_LABELS"),
    flag("weight", int, 1),
    flag("control_plane", str, None),
    flag("token", str, None),
    flag("token_file", Path, None),
    flag("state", Path, None),
    flag("instance", str, None),
    flag("grace", str, "30s"),
    flag("workers", int, 0),
    flag("limit", str, None, many=True),
    flag("otlp", bool, default=True, off="--no-otlp"),
)
FLAGS: Final[Mapping[str, tuple[Flag, ...]]] = {
    "sidecar": (
        *_SHARED,
        flag("application", str, None),
        flag("outbound", str, f"127.0.0.1:{names.OUTBOUND_PORT}"),
        flag("admin", str, f"127.0.0.1:{names.SIDECAR_ADMIN_PORT}"),
    ),
    "run": (
        *_SHARED,
        flag("command", str, many=True, positional=True),
        flag("port", int, None, least=1, most=65_535),
        flag("https_proxy", bool, default=False),
        flag("outbound", str, "127.0.0.1:0"),
        flag("admin", str, "127.0.0.1:0"),
    ),
}
