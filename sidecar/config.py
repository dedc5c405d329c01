"""What a sidecar is told: every setting checked on construction, every refusal naming its flag and variable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from protos import names
from sidecar.address import HostPort, is_ip
from sidecar.errors import InvalidSettingError
from sidecar.limits import check_limits

DEFAULT_NAMESPACE: Final = "default"
MAX_GRACE: Final = timedelta(seconds=120)
VERSION_LABEL: Final = "version"

# RFC 1123: callers use a service's name as an authority.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(names.LABEL_KEY_PATTERN)
_INSTANCE = re.compile(names.INSTANCE_ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Setting:
    """How the operator gives a setting."""

    flag: str
    variable: str

    def __str__(self) -> str:
        return f"{self.flag} ({self.variable})"


# One row a field of SidecarConfig; the command line takes flags and variables from here.
SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "service": Setting("--service", "TULLE_SERVICE"),
        "namespace": Setting("--namespace", "TULLE_NAMESPACE"),
        "application": Setting("--application", "TULLE_APPLICATION"),
        "outbound": Setting("--outbound", "TULLE_OUTBOUND"),
        "inbound": Setting("--inbound", "TULLE_INBOUND"),
        "advertise": Setting("--advertise", "TULLE_ADVERTISE"),
        "upstream_ports": Setting("--upstream", "TULLE_UPSTREAM"),
        "admin": Setting("--admin", "TULLE_ADMIN"),
        "labels": Setting("--label", "TULLE_LABELS"),
        "weight": Setting("--weight", "TULLE_WEIGHT"),
        "control_plane": Setting("--control-plane", "TULLE_CONTROL_PLANE"),
        "token": Setting("--token", "TULLE_TOKEN"),
        "token_file": Setting("--token-file", "TULLE_TOKEN_FILE"),
        "state_dir": Setting("--state", "TULLE_STATE"),
        "instance": Setting("--instance", "TULLE_INSTANCE"),
        "grace": Setting("--grace", "TULLE_GRACE"),
        "workers": Setting("--workers", "TULLE_WORKERS"),
        "otlp": Setting("--otlp/--no-otlp", "TULLE_OTLP"),
        "limits": Setting("--limit", "TULLE_LIMIT"),
    }
)


@dataclass(frozen=True, slots=True)
class UpstreamPort:
    """A loopback port whose calls are routed by `authority` ("payments.shop")."""

    listen: str
    authority: str


@dataclass(frozen=True, kw_only=True)
class SidecarConfig:
    """One sidecar. Raises InvalidSettingError on construction.

    Addresses are "host:port"; port 0 takes any free one. `service` is "namespace/name", or a name in `namespace`.
    `application` is where the application listens (HTTP/2 plaintext), None for a workload that only calls.
    `limits` are named and written as in `sidecar.limits`.
    `advertise` is the "ip" or "ip:port" that callers dial, by default where `inbound` is bound.
    """

    service: str
    namespace: str = DEFAULT_NAMESPACE
    application: str | None = None
    outbound: str | None = f"127.0.0.1:{names.OUTBOUND_PORT}"
    inbound: str = "127.0.0.1:0"
    advertise: str | None = None
    upstream_ports: tuple[UpstreamPort, ...] = ()
    admin: str = f"127.0.0.1:{names.SIDECAR_ADMIN_PORT}"
    labels: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    control_plane: str | None = None
    token: str | None = None
    token_file: Path | None = None
    state_dir: Path | None = None
    instance: str | None = None
    grace: timedelta = timedelta(seconds=30)
    workers: int = 0
    otlp: bool = True
    limits: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_names()
        self._check_addresses()
        self._check_ranges()
        if self.token is not None and self.token_file is not None:
            raise refuse("token", f"is given beside {SETTINGS['token_file']}; give one of the two")

    @cached_property
    def service_name(self) -> str:
        """ "namespace/name"."""
        return self.service if "/" in self.service else f"{self.namespace}/{self.service}"

    @cached_property
    def state(self) -> Path:
        """The folder of identity, cached snapshot and instance id."""
        return (
            self.state_dir if self.state_dir is not None else Path(".tulle", "sidecar", *self.service_name.split("/"))
        )

    def _check_names(self) -> None:
        namespace, _, name = self.service_name.partition("/")
        if not _LABEL.fullmatch(name):
            raise refuse("service", f"{self.service!r} is not a name; use a-z, 0-9 and dashes, at most 63")
        key = "service" if "/" in self.service else "namespace"
        if not _LABEL.fullmatch(namespace):
            raise refuse(key, f"{namespace!r} is not a namespace; use a-z, 0-9 and dashes, at most 63")
        if namespace == names.RESERVED_NAMESPACE:
            raise refuse(key, f"{namespace!r} is reserved for the mesh itself; use another namespace")
        if self.instance is not None and not _INSTANCE.fullmatch(self.instance):
            raise refuse("instance", f"{self.instance!r} is not an id; use {names.INSTANCE_ID_RULE}")
        self._check_labels()

    def _check_labels(self) -> None:
        if len(self.labels) > names.MOST_LABELS:
            raise refuse("labels", f"are {len(self.labels)}; give at most {names.MOST_LABELS}")
        for key, value in self.labels.items():
            if not _LABEL_KEY.fullmatch(key) or len(value) > names.LONGEST_LABEL:
                raise refuse("labels", f"{key}={value!r} is not a label; {names.LABEL_RULE}")

    def _check_addresses(self) -> None:
        check_loopback("admin", self.admin)
        if self.outbound is not None:
            check_loopback("outbound", self.outbound)
        inbound = check_address("inbound", self.inbound)
        if self.application is not None:
            check_dialled("application", self.application)
        if self.control_plane is not None:
            check_dialled("control_plane", self.control_plane)
        for upstream in self.upstream_ports:
            check_loopback("upstream_ports", upstream.listen)
            if not upstream.authority:
                raise refuse("upstream_ports", f"{upstream.listen} names no authority; write host:port=authority")
        if self.advertise is not None:
            advertised(self.advertise, 0)
        elif self.application is not None and (inbound.is_wildcard or not is_ip(inbound.host)):
            raise refuse("advertise", f"is missing: callers cannot dial {self.inbound}; give the ip that they reach")

    def _check_ranges(self) -> None:
        if not 1 <= self.weight <= names.LARGEST_WEIGHT:
            raise refuse("weight", f"{self.weight} is not from 1 to {names.LARGEST_WEIGHT}")
        if not timedelta(0) <= self.grace <= MAX_GRACE:
            raise refuse("grace", f"{self.grace.total_seconds():g} s is not from 0 to 120 s")
        if not 0 <= self.workers <= 1024:
            raise refuse("workers", f"{self.workers} is not from 0 (one a core) to 1024")
        try:
            check_limits(self.limits)
        except ValueError as error:
            raise refuse("limits", str(error)) from error


def refuse(key: str, cause: str) -> InvalidSettingError:
    """The error for the setting `key` of SidecarConfig."""
    return InvalidSettingError(f"{SETTINGS[key]}: {cause}")


def check_address(key: str, text: str) -> HostPort:
    """`text` as an address to listen on."""
    try:
        return HostPort.parse(text)
    except ValueError as error:
        raise refuse(key, f"{error}") from error


def check_loopback(key: str, text: str) -> HostPort:
    """`text` as an address that only this machine can reach: what listens there asks nobody who they are."""
    address = check_address(key, text)
    if not address.is_loopback:
        raise refuse(key, f"{text} is not a loopback address; use 127.0.0.1")
    return address


def check_dialled(key: str, text: str) -> HostPort:
    """`text` as an address to connect to."""
    address = check_address(key, text)
    if address.port == 0 or address.is_wildcard:
        raise refuse(key, f"{text} cannot be connected to; give the host and port that it listens on")
    return address


def advertised(text: str, bound_port: int) -> HostPort:
    """What callers dial: "ip", "ip:port" or "[ip]:port"; without a port, the one bound."""
    if "%" in text:
        raise refuse("advertise", f"{text!r} has a zone; give an address that is not link-local")
    if is_ip(text):
        return HostPort(text, bound_port)
    address = check_dialled("advertise", text)
    if not is_ip(address.host):
        raise refuse("advertise", f"{text!r} is a name; give an ip address, which callers dial as it is")
    return address
