"""Documents for tests: YAML in, a PolicySet out, each document as old as its place."""

from control_plane.policy.load import Source, load
from control_plane.policy.policy_set import PolicySet, Stored
from control_plane.policy.problem import InvalidDocumentsError
from control_plane.policy.resolve import resolve
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import registry_pb2, snapshot_pb2

MESH = "apiVersion: tulle.dev/v1\nkind: Mesh\nmetadata: {{name: shop}}\nspec: {spec}\n"
SERVICE = "apiVersion: tulle.dev/v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n"
TRAFFIC = "apiVersion: tulle.dev/v1\nkind: TrafficPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n"
ACCESS = "apiVersion: tulle.dev/v1\nkind: AccessPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n"
ROUTE = (
    "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
    "spec:\n  parentRefs: [{{kind: Service, name: payments, namespace: shop}}]\n  rules: {rules}\n"
)


def mesh(spec: str) -> str:
    return MESH.format(spec=spec)


def service(name: str, spec: str = "{}") -> str:
    return SERVICE.format(name=name, spec=spec)


def traffic(name: str, spec: str) -> str:
    return TRAFFIC.format(name=name, spec=spec)


def access(name: str, spec: str) -> str:
    return ACCESS.format(name=name, spec=spec)


def route(name: str, rules: str, namespace: str = "shop") -> str:
    return ROUTE.format(name=name, rules=rules, namespace=namespace)


def policies(*documents: str) -> PolicySet:
    """The earlier the older."""
    loaded = [one for document in documents for one in load([Source("test.yaml", document)])]
    return PolicySet.of(Stored(one.document, age, age) for age, one in enumerate(loaded, start=1))


def complaints(yaml: str) -> list[str]:
    """What is wrong with a file, one line a problem; empty when nothing is."""
    try:
        load([Source("a.yaml", yaml)])
    except InvalidDocumentsError as error:
        return [str(problem) for problem in error.problems]
    return []


def instance(name: str, service: str = "shop/payments", **labels: str) -> registry_pb2.Instance:
    return registry_pb2.Instance(
        id=name,
        service=service,
        address="127.0.0.1",
        port=9000,
        identity=f"spiffe://shop.local/{service}",
        labels=labels,
        healthy=True,
    )


def snapshot(
    documents: PolicySet, *instances: registry_pb2.Instance, workload: str = "shop/orders"
) -> snapshot_pb2.Snapshot:
    return resolve(documents, instances, WorkloadRef.parse(workload, "shop.local"), 7)


def upstream(found: snapshot_pb2.Snapshot, name: str = "shop/payments") -> snapshot_pb2.Service:
    return next(one for one in found.services if one.name == name)


def cluster(found: snapshot_pb2.Snapshot, name: str) -> snapshot_pb2.Cluster:
    return next(one for one in found.clusters if one.name == name)
