"""The operator's channel to the control plane, and the one place where a gRPC status becomes an error of ours."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
from grpc_status import rpc_status

from protos import names
from protos.tulle.v1 import (
    discovery_pb2_grpc,
    identity_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    registry_pb2_grpc,
    telemetry_pb2_grpc,
)
from tulle import credential as credentials
from tulle.credential import Credential
from tulle.errors import Conflict, InvalidPolicy, NotFound, Refused, TulleError, Unreachable, UsageProblem

Answer = TypeVar("Answer")

CALL_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Typed stubs on one channel; `call` carries a request out and turns a bad status into a TulleError."""

    credential: Credential
    policy: policy_pb2_grpc.PolicyStub
    identity: identity_pb2_grpc.IdentityStub
    registry: registry_pb2_grpc.RegistryStub
    discovery: discovery_pb2_grpc.DiscoveryStub
    telemetry: telemetry_pb2_grpc.TelemetryQueryStub

    def call(self, method: Callable[..., Answer], request: Any, timeout: float = CALL_SECONDS) -> Answer:
        """One unary call with a deadline in seconds."""
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise explain(error, self.credential.control_plane) from error


@contextmanager
def connect(given: Path | None, address: str | None = None) -> Iterator[ControlPlane]:
    """A channel with the credential found for `given`. Raises UsageProblem when there is none."""
    found = credentials.read(credentials.find(given, Path.cwd(), os.environ), address)
    with channel(found) as opened:
        yield ControlPlane(
            found,
            policy_pb2_grpc.PolicyStub(opened),
            identity_pb2_grpc.IdentityStub(opened),
            registry_pb2_grpc.RegistryStub(opened),
            discovery_pb2_grpc.DiscoveryStub(opened),
            telemetry_pb2_grpc.TelemetryQueryStub(opened),
        )


def channel(credential: Credential) -> grpc.Channel:
    """mTLS; the server is known by its name in the certificate, whatever address it is reached by."""
    tls = grpc.ssl_channel_credentials(credential.root_pem, credential.key_pem, credential.certificate_pem)
    options = [
        ("grpc.ssl_target_name_override", names.CONTROL_PLANE_NAME),
        # A proxy that the environment names is for applications; the control plane is spoken to straight.
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_receive_message_length", 64 << 20),
    ]
    return grpc.secure_channel(credential.control_plane, tls, options)


def explain(error: grpc.RpcError, address: str) -> TulleError:
    """The error that a status stands for; its text is one line."""
    text = " ".join((error.details() or "no details").split())
    match error.code():
        case grpc.StatusCode.UNAVAILABLE:
            return Unreachable(f"control plane at {address}: {_reachability(text)}")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Unreachable(f"control plane at {address}: no answer in time")
        case grpc.StatusCode.ABORTED:
            return Conflict(text, hint="")  # the control plane's text holds the remedy
        case grpc.StatusCode.NOT_FOUND:
            return NotFound(text, hint="")
        case grpc.StatusCode.INVALID_ARGUMENT:
            told = invalid_documents(error)
            return InvalidPolicy(*told) if told else UsageProblem(text, hint="")
        case code:
            return Refused(f"control plane at {address}: {code.name if code else 'UNKNOWN'}: {text}", hint="")


def invalid_documents(error: grpc.RpcError) -> tuple[list[str], int] | None:
    """The problems in grpc-status-details-bin, one line each (`file:line: field: cause (hint)`), and how many more."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        found = policy_pb2.InvalidDocuments()
        if detail.Unpack(found):
            return [problem_line(problem) for problem in found.problems], found.omitted
    return None


def problem_line(problem: policy_pb2.Problem) -> str:
    """`file:line: field: cause (hint)`, without the parts that are empty."""
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    hint = f" ({problem.hint})" if problem.hint else ""
    return ": ".join(part for part in (place, problem.field, problem.cause) if part) + hint


def _reachability(text: str) -> str:
    lowered = text.lower()
    if "connection refused" in lowered:
        return "connection refused"
    if "certificate" in lowered or "ssl" in lowered or "handshake" in lowered:
        return f"the TLS handshake failed, so this credential is not of that control plane: {text}"
    return text
