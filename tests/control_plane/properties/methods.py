"""Every RPC of the control plane, by its descriptor."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from control_plane.auth import MAY_CALL
from protos.tulle.v1 import discovery_pb2, identity_pb2, policy_pb2, registry_pb2, telemetry_pb2

FILES: tuple[FileDescriptor, ...] = tuple(
    module.DESCRIPTOR
    for module in (
        discovery_pb2,
        identity_pb2,
        policy_pb2,
        registry_pb2,
        telemetry_pb2,
        metrics_service_pb2,
        trace_service_pb2,
    )
)


@dataclass(frozen=True)
class Method:
    """One RPC. `caller` is the kind of caller that may."""

    path: str
    caller: str
    request: Descriptor
    response: Descriptor
    streams_requests: bool

    def __str__(self) -> str:
        return self.path.rpartition(".")[2]

    def begin(self, via: grpc.Channel, requests: Iterator[Message], limit: float) -> Any:
        """The call: an iterator of responses that is a grpc.Call. Any kind may be called as of both streams."""
        made = via.stream_stream(
            self.path, GetMessageClass(self.request).SerializeToString, GetMessageClass(self.response).FromString
        )
        return made(requests, limit)


def all_methods() -> tuple[Method, ...]:
    services = (service for file in FILES for service in file.services_by_name.values())
    return tuple(
        Method(path, _caller(path), method.input_type, method.output_type, method.client_streaming)
        for service in services
        for method in service.methods
        for path in [f"/{service.full_name}/{method.name}"]
    )


def method_of(path: str) -> Method:
    return next(method for method in all_methods() if method.path == path)


def _caller(path: str) -> str:
    (kind,) = MAY_CALL[path]
    return kind.__name__
