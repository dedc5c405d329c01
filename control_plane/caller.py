"""Who is calling: the three kinds of peer that a certificate can make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from control_plane.errors import DeniedError
from control_plane.workload import WorkloadRef


@dataclass(frozen=True, slots=True)
class Workload:
    """A sidecar, by the SVID in force."""

    ref: WorkloadRef


@dataclass(frozen=True, slots=True)
class Operator:
    """The command line or the dashboard, by operator.json."""


@dataclass(frozen=True, slots=True)
class Joiner:
    """A sidecar that has nothing yet but its join token's certificate."""


Caller = Workload | Operator | Joiner

CallerOf = Callable[["grpc.aio.ServicerContext[Any, Any]"], Caller]
"""What servicers are given to learn who calls: a function of the call's context. Tests may pass any."""


def workload_of(caller: Caller) -> WorkloadRef:
    """The workload that calls; DeniedError for anyone else."""
    if not isinstance(caller, Workload):
        raise DeniedError("only a workload may do this", hint="call with a sidecar's SVID")
    return caller.ref
