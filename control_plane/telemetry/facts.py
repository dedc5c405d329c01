"""What the rest of the control plane knows of the mesh, as queries need it beside the numbers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from control_plane.telemetry.streams import Streams
from protos.tulle.v1 import discovery_pb2, registry_pb2


@dataclass(frozen=True)
class Facts:
    """The mesh as it stands now.

    `services`: "namespace/name" of every Service document. `p99_targets_ms`: of those that declare one. `streams`: the
    methods that they call streaming. `revision`: the newest policy revision.
    """

    instances: Sequence[registry_pb2.Instance] = ()
    proxies: Sequence[discovery_pb2.Proxy] = ()
    services: Sequence[str] = ()
    p99_targets_ms: Mapping[str, float] = field(default_factory=dict)
    streams: Streams = field(default_factory=dict)
    revision: int = 0


ReadFacts = Callable[[], Awaitable[Facts]]
"""Asked once a query."""
