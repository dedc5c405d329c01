"""Who may call what: the caller is read from the TLS peer's certificate, and every RPC stands in one table.

TLS has already verified the certificate against both roots; here the root it came from is told apart, so that even a
workload root that signed a wrong name would make no operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import grpc
from cryptography import x509

from control_plane.caller import Caller, Joiner, Operator, Workload
from control_plane.clock import Clock
from control_plane.errors import DeniedError, UnauthenticatedError
from control_plane.identity.authority import Authority
from control_plane.identity.certificate import spiffe_id_of
from control_plane.workload import InvalidNameError, WorkloadRef
from protos import names

WORKLOAD: Final = frozenset({Workload})
OPERATOR: Final = frozenset({Operator})
JOINER: Final = frozenset({Joiner})
ANYONE: Final = WORKLOAD | OPERATOR | JOINER

MAY_CALL: Final[Mapping[str, frozenset[type[Caller]]]] = MappingProxyType(
    {
        "/tulle.v1.Identity/Join": JOINER,
        "/tulle.v1.Identity/Renew": WORKLOAD,
        "/tulle.v1.Identity/CreateToken": OPERATOR,
        "/tulle.v1.Registry/Register": WORKLOAD,
        "/tulle.v1.Registry/KeepAlive": WORKLOAD,
        "/tulle.v1.Registry/Deregister": WORKLOAD,
        "/tulle.v1.Registry/ListInstances": OPERATOR,
        "/tulle.v1.Discovery/Watch": WORKLOAD,
        "/tulle.v1.Discovery/ListProxies": OPERATOR,
        "/tulle.v1.Policy/Apply": OPERATOR,
        "/tulle.v1.Policy/Delete": OPERATOR,
        "/tulle.v1.Policy/List": OPERATOR,
        "/tulle.v1.Policy/History": OPERATOR,
        "/tulle.v1.Policy/Describe": OPERATOR,
        "/tulle.v1.TelemetryQuery/GetTopology": OPERATOR,
        "/tulle.v1.TelemetryQuery/WatchTopology": OPERATOR,
        "/tulle.v1.TelemetryQuery/GetSeries": OPERATOR,
        "/tulle.v1.TelemetryQuery/GetStats": OPERATOR,
        "/tulle.v1.TelemetryQuery/ListTraces": OPERATOR,
        "/tulle.v1.TelemetryQuery/GetTrace": OPERATOR,
        "/tulle.v1.TelemetryQuery/ListEvents": OPERATOR,
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": WORKLOAD,
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export": WORKLOAD,
    }
)
"""What is not here is refused to everyone."""

REMEMBERED: Final = 1_024
"""Certificates whose callers are remembered, the one that called last the longest: about 2 MB."""


class NoCredentialError(UnauthenticatedError):
    """The peer's certificate is missing, expired, or names nobody that may be here."""


class NotAllowedError(DeniedError):
    """This kind of caller may not call this."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a certificate of ours says. Until `ends` it is true: roots stay the same while the process lives."""

    caller: Caller
    ends: datetime


class Authenticator:
    """Peers' certificates to callers."""

    def __init__(self, authority: Authority, trust_domain: str, clock: Clock) -> None:
        self._authority = authority
        self._trust_domain = trust_domain
        self._clock = clock
        # A sidecar calls some times a second, and to verify a signature takes longer than to answer most calls. The key
        # is the whole certificate, byte for byte; what is refused raises, and is judged anew each time.
        self._verified = lru_cache(REMEMBERED)(self._verify)

    def caller(self, context: "grpc.aio.ServicerContext[Any, Any]") -> Caller:
        """A `control_plane.caller.CallerOf`. NoCredentialError."""
        pem = next(iter(context.auth_context().get("x509_pem_cert", ())), None)
        if pem is None:
            raise NoCredentialError("no client certificate", hint="connect with an SVID, operator.json or a join token")
        verified = self._verified(pem)
        self._refuse_expired(verified.ends)
        return verified.caller

    def caller_of_certificate(self, certificate: x509.Certificate) -> Caller:
        """NoCredentialError for an expired certificate, another root's, or one that names nobody known."""
        self._refuse_expired(certificate.not_valid_after_utc)
        spiffe_id = spiffe_id_of(certificate) or ""
        if self._authority.signed_access(certificate):
            return self._outsider(spiffe_id)
        if self._authority.signed_workload(certificate):
            return self._workload(spiffe_id)
        raise NoCredentialError("the client certificate is not ours", hint="join this control plane")

    def _verify(self, pem: bytes) -> _Verified:
        certificate = x509.load_pem_x509_certificate(pem)
        return _Verified(self.caller_of_certificate(certificate), certificate.not_valid_after_utc)

    def _refuse_expired(self, ends: datetime) -> None:
        # TLS checks this at the handshake alone, and a connection may outlive its certificate.
        if ends <= self._clock.now():
            raise NoCredentialError(
                f"the client certificate expired at {ends:%Y-%m-%d %H:%M:%S} UTC", hint="renew it, or join again"
            )

    def _outsider(self, spiffe_id: str) -> Caller:
        prefix = f"spiffe://{self._trust_domain}"
        if spiffe_id == prefix + names.OPERATOR_PATH:
            return Operator()
        if spiffe_id == prefix + names.JOIN_PATH:
            return Joiner()
        raise NoCredentialError(f"{spiffe_id!r} is nobody here")

    def _workload(self, spiffe_id: str) -> Caller:
        try:
            ref = WorkloadRef.from_spiffe_id(spiffe_id)
        except InvalidNameError as error:
            raise NoCredentialError(f"{spiffe_id!r} is no workload") from error
        if ref.trust_domain != self._trust_domain:
            raise NoCredentialError(f"{spiffe_id!r} is of another trust domain")
        return Workload(ref)


def authorize(caller: Caller, method: str) -> None:
    """NotAllowedError unless the table lets this kind of caller call `method` ("/package.Service/Method")."""
    if type(caller) not in MAY_CALL.get(method, frozenset()):
        raise NotAllowedError(f"{_described(caller)} may not call {method.removeprefix('/')}", hint=_hint(method))


def _described(caller: Caller) -> str:
    return f"workload {caller.ref}" if isinstance(caller, Workload) else f"the {type(caller).__name__.lower()}"


def _hint(method: str) -> str:
    allowed = MAY_CALL.get(method, frozenset())
    if not allowed:
        return "no such method"
    credentials = {Workload: "a sidecar's SVID", Operator: names.OPERATOR_CREDENTIAL, Joiner: "a join token"}
    return "call with " + " or ".join(sorted(credentials[kind] for kind in allowed))
