"""The error tree, and the one place that turns errors into gRPC statuses.

    ControlPlaneError
    ├── InvalidError            INVALID_ARGUMENT     what was sent can never be accepted
    ├── UnauthenticatedError    UNAUTHENTICATED      no credential, or one that is not ours, used or expired
    ├── DeniedError             PERMISSION_DENIED    the caller is known and may not
    ├── AbsentError             NOT_FOUND            what was named does not exist (any more)
    ├── ConflictError           ABORTED              a compare-and-set found another revision
    ├── ExhaustedError          RESOURCE_EXHAUSTED   a bound was reached, named in the message
    ├── StoppingError           UNAVAILABLE          the control plane is going away; try again
    └── StartError              (never on the wire)  the process cannot start: exits with one line

A room subclasses the branch that fits, one small type a cause; its message is lower case without a full stop, and
`hint` says what to do about it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import grpc
from google.protobuf.message import Message


class ControlPlaneError(Exception):
    """Base of everything that the control plane raises on purpose."""

    def __init__(self, cause: str, *, hint: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.cause}: {self.hint}" if self.hint else self.cause

    def detail(self) -> Message | None:
        """A message for grpc-status-details-bin, for clients that want more than a line."""
        return None


class InvalidError(ControlPlaneError):
    """What was sent can never be accepted."""


class UnauthenticatedError(ControlPlaneError):
    """No credential, or one that is not ours, used or expired."""


class DeniedError(ControlPlaneError):
    """The caller is known and may not do this."""


class AbsentError(ControlPlaneError):
    """What was named does not exist, or not any more."""


class ConflictError(ControlPlaneError):
    """A compare-and-set found another revision than the caller expected."""


class ExhaustedError(ControlPlaneError):
    """A bound was reached; the message names it."""


class StoppingError(ControlPlaneError):
    """The control plane is going away."""


class StartError(ControlPlaneError):
    """The control plane cannot start with these settings on this machine."""


STATUSES: Final[Mapping[type[ControlPlaneError], grpc.StatusCode]] = MappingProxyType(
    {
        InvalidError: grpc.StatusCode.INVALID_ARGUMENT,
        UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
        DeniedError: grpc.StatusCode.PERMISSION_DENIED,
        AbsentError: grpc.StatusCode.NOT_FOUND,
        ConflictError: grpc.StatusCode.ABORTED,
        ExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
        StoppingError: grpc.StatusCode.UNAVAILABLE,
    }
)


def status_of(error: Exception) -> grpc.StatusCode:
    """The status of the closest ancestor in STATUSES; INTERNAL for what nobody meant to raise."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), grpc.StatusCode.INTERNAL)
