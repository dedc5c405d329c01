"""`tulle get [KIND [NAME]]`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tulle.options import ControlPlaneAddress, Credentials, Output
from tulle.output import Format

if TYPE_CHECKING:
    from protos.tulle.v1 import policy_pb2


def get(
    kind: Annotated[
        str, typer.Argument(help="Mesh, Service, GRPCRoute, TrafficPolicy, AccessPolicy, instances, proxies or all")
    ] = "all",
    name: Annotated[str, typer.Argument(help="a document's name, or the service of instances")] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="default: all of them")] = "",
    credentials: Credentials = None,
    control_plane: ControlPlaneAddress = None,
    output: Output = Format.TABLE,
) -> None:
    """List policy documents, or services' instances and proxies. `-o yaml` of documents can be applied again."""
    from protos.tulle.v1 import discovery_pb2, policy_pb2, registry_pb2
    from tulle import views
    from tulle.client import connect
    from tulle.kinds import ServiceName, listed_kind

    wanted = listed_kind(kind)
    with connect(credentials, control_plane) as plane:
        if wanted == "instances":
            service = str(ServiceName.parse(name, "NAME")) if name else ""
            found = plane.call(plane.registry.ListInstances, registry_pb2.ListInstancesRequest(service=service))
            views.instances.emit(
                [i for i in found.instances if i.service.startswith(f"{namespace}/" if namespace else "")], output
            )
        elif wanted == "proxies":
            proxies = plane.call(plane.discovery.ListProxies, discovery_pb2.ListProxiesRequest())
            views.proxies.emit([proxy for proxy in proxies.proxies if name in proxy.instance], output)
        else:
            request = policy_pb2.ListRequest(kind="" if wanted == "all" else wanted, namespace=namespace, name=name)
            emit_documents(list(plane.call(plane.policy.List, request).documents), output)


def emit_documents(documents: "list[policy_pb2.Document]", form: Format) -> None:
    """Documents as they can be applied again, or as a table."""
    from tulle import views
    from tulle.output import dump

    if form is Format.YAML:
        print("\n---\n".join(document.yaml.strip("\n") for document in documents))  # noqa: T201 - stdout is data
    elif form is Format.JSON:
        import yaml

        print(dump([yaml.safe_load(document.yaml) for document in documents], form))  # noqa: T201 - stdout is data
    else:
        views.documents.emit(documents, form)
