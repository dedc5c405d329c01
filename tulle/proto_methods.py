"""The methods that .proto files declare, as a Service document's `methods` has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, MethodOptions

from tulle.protoc import by_root, compile_protos

_KINDS = {
    (False, False): "unary",
    (False, True): "serverStreaming",
    (True, False): "clientStreaming",
    (True, True): "bidiStreaming",
}


@dataclass(frozen=True, slots=True)
class ProtoMethod:
    """ "package.Service/Method", one of the four kinds, and whether it may be executed twice."""

    name: str
    kind: str
    idempotent: bool

    def flow(self) -> str:
        """As YAML in flow style, on one line."""
        return f"{{name: {self.name}, kind: {self.kind}, idempotent: {str(self.idempotent).lower()}}}"


def methods_of(protos: Sequence[Path]) -> dict[Path, list[ProtoMethod]]:
    """Every method of every service in each file, in its order. Raises ProtocFailed."""
    found: dict[Path, list[ProtoMethod]] = {}
    for root, files in by_root(protos).items():
        described = FileDescriptorSet.FromString(compile_protos(["--descriptor_set_out=/dev/stdout"], [root], files))
        found |= {root / file.name: _methods(file) for file in described.file}
    return found


def _methods(file: FileDescriptorProto) -> list[ProtoMethod]:
    return [
        _method(f"{file.package}.{service.name}" if file.package else service.name, method)
        for service in file.service
        for method in service.method
    ]


def _method(service: str, method: MethodDescriptorProto) -> ProtoMethod:
    level = method.options.idempotency_level
    idempotent = level in (MethodOptions.NO_SIDE_EFFECTS, MethodOptions.IDEMPOTENT)
    return ProtoMethod(f"{service}/{method.name}", _KINDS[method.client_streaming, method.server_streaming], idempotent)
