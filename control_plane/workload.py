"""Names of workloads: `namespace/name`, and the SPIFFE id that a certificate proves it by.

SPIFFE-ID (https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/): a trust domain of lower-case letters, digits, dots,
dashes and underscores, at most 255 bytes; path segments of letters, digits, dots, dashes and underscores. Ours are
narrower: a namespace and a name are DNS labels (RFC 1123), since callers use them as authorities.
"""

import re
from dataclasses import dataclass
from typing import Self

from control_plane.errors import InvalidError
from protos import names

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TRUST_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])?")
SCHEME = "spiffe://"


class InvalidNameError(InvalidError):
    """A service name, trust domain or SPIFFE id that breaks the rules above."""


@dataclass(frozen=True, slots=True, order=True)
class WorkloadRef:
    """One workload: who a sidecar is, and whom a snapshot is resolved for."""

    namespace: str
    service: str
    trust_domain: str

    def __post_init__(self) -> None:
        check_trust_domain(self.trust_domain)
        _check_label("namespace", self.namespace)
        _check_label("service", self.service)
        if self.namespace == names.RESERVED_NAMESPACE:
            raise InvalidNameError(
                f"namespace {self.namespace!r} is reserved for the mesh itself", hint="use another namespace"
            )

    @classmethod
    def parse(cls, name: str, trust_domain: str) -> Self:
        """From "namespace/name"; a name alone is in namespace "default"."""
        namespace, slash, service = name.rpartition("/")
        return cls(namespace if slash else "default", service, trust_domain)

    @classmethod
    def from_spiffe_id(cls, spiffe_id: str) -> Self:
        """From "spiffe://trust-domain/namespace/name"."""
        parts = spiffe_id.removeprefix(SCHEME).split("/")
        if not spiffe_id.startswith(SCHEME) or len(parts) != 3:
            raise InvalidNameError(
                f"{spiffe_id!r} is no workload's SPIFFE id", hint="the form is spiffe://trust-domain/namespace/name"
            )
        return cls(parts[1], parts[2], parts[0])

    @property
    def name(self) -> str:
        """ "namespace/name", as every message and key has it."""
        return f"{self.namespace}/{self.service}"

    @property
    def spiffe_id(self) -> str:
        return f"{SCHEME}{self.trust_domain}/{self.namespace}/{self.service}"

    def __str__(self) -> str:
        return self.name


def check_trust_domain(trust_domain: str) -> str:
    """The trust domain itself, or InvalidNameError."""
    if not TRUST_DOMAIN.fullmatch(trust_domain):
        raise InvalidNameError(
            f"trust domain {trust_domain!r} is not allowed",
            hint="use lower-case letters, digits, '.', '-' and '_', at most 255 of them, for example shop.local",
        )
    return trust_domain


def _check_label(field: str, value: str) -> None:
    if not LABEL.fullmatch(value):
        raise InvalidNameError(
            f"{field} {value!r} is not allowed",
            hint="use lower-case letters, digits and inner '-', 1 to 63 of them, for example shop/payments",
        )
