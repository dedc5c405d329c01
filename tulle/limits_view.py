"""The limits of a sidecar, as `tulle describe limits` shows them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from sidecar.limits import LIMITS, SECONDS, Limit
from tulle.errors import Unreachable
from tulle.output import Column, View

_PATIENCE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit with the value in force."""

    limit: Limit
    value: float

    @property
    def origin(self) -> str:
        """Whence the value."""
        return "default" if self.value == self.limit.default else "--limit"

    def plain(self) -> Mapping[str, Any]:
        limit = self.limit
        return {
            "limit": limit.name,
            "value": self.value,
            "unit": limit.unit,
            "origin": self.origin,
            "default": limit.default,
            "least": limit.least,
            "most": limit.most,
            "what": limit.what,
            "over": limit.over,
        }


limits: View[LimitRow] = View(
    (
        Column("limit", lambda r: r.limit.name),
        Column("value", lambda r: r.limit.shown(r.value)),
        Column("unit", lambda r: r.limit.unit),
        Column("origin", lambda r: r.origin),
        Column("range", lambda r: r.limit.range),
        Column("what", lambda r: r.limit.what),
        Column("over it", lambda r: r.limit.over),
    ),
    lambda r: r.limit.name,
    LimitRow.plain,
)


def defaults() -> list[LimitRow]:
    """What holds where nothing is set."""
    return [LimitRow(limit, limit.default) for limit in LIMITS]


def in_force(admin: str) -> list[LimitRow]:
    """What the sidecar with the admin port `admin` ("host:port") keeps to. Raises Unreachable."""
    told = _described(admin)["engine"]["limits"]
    return [LimitRow(limit, told[f"{limit.name}_s" if limit.unit == SECONDS else limit.name]) for limit in LIMITS]


def _described(admin: str) -> dict[str, Any]:
    host, _, port = admin.rpartition(":")
    try:
        connection = HTTPConnection(host.strip("[]"), int(port), timeout=_PATIENCE)
        connection.request("GET", "/describe")
        described: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(
            f"--admin {admin}: no sidecar answers there: {error}", "give the admin of its ready line"
        ) from error
    return described
