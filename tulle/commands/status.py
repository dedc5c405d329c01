"""`tulle status`: each service with its instances and proxies."""

from tulle.options import ControlPlaneAddress, Credentials, Output
from tulle.output import Format


def status(
    credentials: Credentials = None, control_plane: ControlPlaneAddress = None, output: Output = Format.TABLE
) -> None:
    """Show services, instances and proxies at a glance."""
    from protos.tulle.v1 import discovery_pb2, policy_pb2, registry_pb2
    from tulle.client import connect
    from tulle.output import say
    from tulle.service_status import STATUS, summarize

    with connect(credentials, control_plane) as plane:
        documents = plane.call(plane.policy.List, policy_pb2.ListRequest())
        instances = plane.call(plane.registry.ListInstances, registry_pb2.ListInstancesRequest())
        proxies = plane.call(plane.discovery.ListProxies, discovery_pb2.ListProxiesRequest())
    declared = [f"{d.key.namespace}/{d.key.name}" for d in documents.documents if d.key.kind == "Service"]
    STATUS.emit(summarize(declared, list(instances.instances), list(proxies.proxies)), output)
    say(f"control plane {plane.credential.control_plane}, revision {documents.revision}")
