"""What the mesh consists of: the bodies of `Mesh` and `Service`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from control_plane.policy.block import Block
from control_plane.policy.quantity import (
    Duration,
    Many,
    MetadataName,
    MetadataText,
    MethodName,
    Name,
    ServiceName,
    TrustDomain,
)
from control_plane.policy.traffic import Traffic


class MeshSpec(Block):
    """Trust domain, mode, and the defaults of lowest rank.

    `mode: open` allows every authenticated caller of a service that no AccessPolicy targets. `plaintext` names services
    whose endpoints may be dialled without an identity; without it such endpoints are left out.
    """

    trust_domain: TrustDomain | None = None
    mode: Literal["strict", "open"] = "strict"
    defaults: Traffic = Traffic()
    plaintext: Annotated[Many[ServiceName], Field(max_length=1000)] = ()


class Port(Block):
    """A port that callers name: `payments:50051` selects the service as `payments` does."""

    port: Annotated[int, Field(ge=1, le=65535)]
    name: Name | None = None


class HealthCheck(Block):
    """How the sidecar beside the service asks after the application.

    `kind`: grpc.health.v1, a connection alone, or not at all. `service` and `metadata` are sent with each question;
    `failures` in a row put the application out (2), `successes` in (1). `interval` 10s, `timeout` 1s.
    """

    kind: Literal["grpc", "tcp", "off"] = "grpc"
    service: Annotated[str, Field(max_length=1024)] = ""
    interval: Duration | None = None
    timeout: Duration | None = None
    failures: Annotated[int, Field(ge=1, le=100)] | None = None
    successes: Annotated[int, Field(ge=1, le=100)] | None = None
    metadata: Annotated[dict[MetadataName, MetadataText], Field(max_length=8)] = Field(default_factory=dict)


class Subset(Block):
    """Instances that carry all of these labels; routes name it as a backend."""

    name: Name
    labels: Annotated[dict[str, str], Field(min_length=1, max_length=32)]


class MethodSpec(Block):
    """A method of the service, as its descriptors have it. `tulle apply` fills these in from `protos`."""

    name: MethodName
    kind: Literal["unary", "serverStreaming", "clientStreaming", "bidiStreaming"] = "unary"
    idempotent: bool = False


class Targets(Block):
    """What the service is meant to reach; the dashboard judges by it."""

    p99: Duration | None = None


class ServiceSpec(Block):
    """A `Service`'s body.

    `upstreams`: the services that it calls. Absent: all of the mesh; given: its sidecar learns of these alone.
    `methods`: the server takes them spelled out; `protos` is expanded by the command line before it sends.
    """

    ports: Annotated[Many[Port], Field(max_length=64)] = ()
    protocol: Literal["grpc"] = "grpc"
    health_check: HealthCheck | None = None
    subsets: Annotated[Many[Subset], Field(max_length=64)] = ()
    upstreams: Annotated[Many[ServiceName], Field(max_length=1000)] | None = None
    methods: Annotated[Many[MethodSpec], Field(max_length=2000)] = ()
    targets: Targets = Targets()

    @model_validator(mode="after")
    def _names_are_their_own(self) -> Self:
        for what, names in (
            ("subsets", [subset.name for subset in self.subsets]),
            ("methods", [method.name for method in self.methods]),
            ("ports", [str(port.port) for port in self.ports]),
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice:
                cause = f"{twice!r} is twice in {what}"
                raise PydanticCustomError("tulle", "{cause}", {"cause": cause, "hint": "leave one of them out"})
        return self
