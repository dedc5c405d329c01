"""Instances as the store keeps them, and the rules that a registration must meet."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from control_plane.errors import InvalidError
from control_plane.store.base import Entry, Store
from control_plane.workload import WorkloadRef
from protos import names
from protos.tulle.v1 import registry_pb2

PREFIX: Final = "/registry/"
INSTANCE_ID: Final = re.compile(names.INSTANCE_ID_PATTERN)
LABEL_KEY: Final = re.compile(names.LABEL_KEY_PATTERN)


class InvalidInstanceError(InvalidError):
    """A registration with a field that cannot be right; the message names it."""


def instance_key(ref: WorkloadRef, instance: str) -> str:
    return f"{PREFIX}{ref.name}/{instance}"


def decode(entry: Entry) -> registry_pb2.Instance:
    return registry_pb2.Instance.FromString(entry.value)


def encode(instance: registry_pb2.Instance) -> bytes:
    return instance.SerializeToString(deterministic=True)


async def read_instances(store: Store) -> tuple[int, Sequence[registry_pb2.Instance]]:
    """The revision and every instance, in the order of service and id."""
    revision, entries = await store.range(PREFIX)
    return revision, [decode(entry) for entry in entries]


def make_instance(
    ref: WorkloadRef, request: registry_pb2.RegisterRequest, peer_address: str, now_ms: int
) -> registry_pb2.Instance:
    """What `ref` registers, at the peer's address where the request names none. InvalidInstanceError."""
    _check_labels(request)
    return registry_pb2.Instance(
        id=check_instance_id("id", request.id),
        service=ref.name,
        address=_address(request.address or peer_address),
        port=_in_range("port", request.port, 65_535),
        identity=ref.spiffe_id,
        labels=request.labels,
        weight=_in_range("weight", request.weight or 1, names.LARGEST_WEIGHT),
        healthy=request.healthy,
        registered_unix_ms=now_ms,
        unhealthy_reason=told_reason(request.unhealthy_reason, healthy=request.healthy),
        starting=request.starting and not request.healthy,
    )


def check_instance_id(field: str, value: str) -> str:
    """The id itself, or InvalidInstanceError naming `field`."""
    if not INSTANCE_ID.fullmatch(value):
        raise InvalidInstanceError(f"{field} {value[:140]!r} is not allowed", hint=f"use {names.INSTANCE_ID_RULE}")
    return value


def told_reason(reason: str, *, healthy: bool) -> str:
    """What a sidecar says of an instance, as one bounded line: it is shown to operators and to callers."""
    line = "".join(letter if letter.isprintable() else " " for letter in reason)
    return "" if healthy else line[: names.LONGEST_UNHEALTHY_REASON]


def _address(value: str) -> str:
    try:
        address = ip_address(value)
    except ValueError as error:
        raise InvalidInstanceError(
            f"address {value!r} is no IP address", hint="give one that callers can dial"
        ) from error
    if getattr(address, "scope_id", None):
        # A zone means something on the machine alone that it was written on, and engines take none.
        raise InvalidInstanceError(f"address {value!r} has a zone", hint="give an address that is not link-local")
    if address.is_unspecified or address.is_multicast:
        raise InvalidInstanceError(f"address {value} cannot be dialled", hint="give the address of one interface")
    return str(address)


def _in_range(field: str, value: int, largest: int) -> int:
    if not 1 <= value <= largest:
        raise InvalidInstanceError(f"{field} is {value}", hint=f"use 1 to {largest}")
    return value


def _check_labels(request: registry_pb2.RegisterRequest) -> None:
    if len(request.labels) > names.MOST_LABELS:
        raise InvalidInstanceError(f"labels has {len(request.labels)} entries", hint=f"use at most {names.MOST_LABELS}")
    for key, value in request.labels.items():
        if not LABEL_KEY.fullmatch(key) or len(value) > names.LONGEST_LABEL:
            raise InvalidInstanceError(f"label {key[:70]!r} is not allowed", hint=names.LABEL_RULE)
