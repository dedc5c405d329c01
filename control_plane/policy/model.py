"""The documents: five kinds, Kubernetes-object-shaped, one type each.

Which `apiVersion` belongs to which kind is in the types: `gateway.networking.k8s.io/v1` for GRPCRoute, `tulle.dev/v1`
for the others.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from control_plane.policy.access import AccessPolicySpec
from control_plane.policy.block import Block
from control_plane.policy.quantity import Name
from control_plane.policy.route import GRPCRouteSpec
from control_plane.policy.subject import MeshSpec, ServiceSpec
from control_plane.policy.traffic import TrafficPolicySpec

Kind = Literal["Mesh", "Service", "GRPCRoute", "TrafficPolicy", "AccessPolicy"]


@dataclass(frozen=True, order=True)
class DocumentKey:
    """A document's place: `/policy/<Kind>/<namespace>/<name>` in the store."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """The store's key."""
        return f"/policy/{self.kind}/{self.namespace}/{self.name}"


class Metadata(Block):
    """Name and namespace, and what tools write beside them."""

    name: Name
    namespace: Name = "default"
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class Document(Block):
    """What every kind has."""

    metadata: Metadata

    @property
    def key(self) -> DocumentKey:
        """Where the document lives."""
        return DocumentKey(type(self).__name__, self.metadata.namespace, self.metadata.name)

    @property
    def service(self) -> str:
        """ "namespace/name" """
        return f"{self.metadata.namespace}/{self.metadata.name}"


class Mesh(Document):
    """The mesh itself: trust domain, mode, defaults."""

    api_version: Literal["tulle.dev/v1"]
    kind: Literal["Mesh"]
    spec: MeshSpec


class Service(Document):
    """A service: ports, subsets, methods, upstreams."""

    api_version: Literal["tulle.dev/v1"]
    kind: Literal["Service"]
    spec: ServiceSpec = ServiceSpec()


class GRPCRoute(Document):
    """Which call goes where."""

    api_version: Literal["gateway.networking.k8s.io/v1"]
    kind: Literal["GRPCRoute"]
    spec: GRPCRouteSpec


class TrafficPolicy(Document):
    """How calls are carried."""

    api_version: Literal["tulle.dev/v1"]
    kind: Literal["TrafficPolicy"]
    spec: TrafficPolicySpec


class AccessPolicy(Document):
    """Who may call what."""

    api_version: Literal["tulle.dev/v1"]
    kind: Literal["AccessPolicy"]
    spec: AccessPolicySpec


AnyDocument = Annotated[Mesh | Service | GRPCRoute | TrafficPolicy | AccessPolicy, Field(discriminator="kind")]

KINDS: Final[dict[str, type[Mesh | Service | GRPCRoute | TrafficPolicy | AccessPolicy]]] = {
    "Mesh": Mesh,
    "Service": Service,
    "GRPCRoute": GRPCRoute,
    "TrafficPolicy": TrafficPolicy,
    "AccessPolicy": AccessPolicy,
}
