"""Documents and instances to the snapshot of one workload. Pure: the same input gives the same bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from control_plane.policy import encode
from control_plane.policy.emptiness import why_empty
from control_plane.policy.model import AccessPolicy, Service
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.precedence import service_stack
from control_plane.policy.routing import RoutePlan, Target, plan
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import registry_pb2, snapshot_pb2


def resolve(
    documents: PolicySet, instances: Sequence[registry_pb2.Instance], workload: WorkloadRef, revision: int
) -> snapshot_pb2.Snapshot:
    """Everything that the workload's sidecar obeys; every default filled in.

    `revision`: the store's, at least 1. A workload whose Service document declares upstreams learns of these alone, any
    other of every service that has a document or an instance.
    """
    return _Resolution(documents, tuple(sorted(instances, key=lambda one: one.id)), workload).snapshot(revision)


def qualify(service: str, namespace: str) -> str:
    """ "namespace/name" of a name that may leave the namespace out."""
    return service if "/" in service else f"{namespace}/{service}"


@dataclass(frozen=True)
class _Resolution:
    policies: PolicySet
    instances: tuple[registry_pb2.Instance, ...]
    workload: WorkloadRef

    def snapshot(self, revision: int) -> snapshot_pb2.Snapshot:
        routes = {service: self._plan(service) for service in self._upstreams()}
        return snapshot_pb2.Snapshot(
            revision=revision,
            trust_domain=self.workload.trust_domain,
            services=[self._service(name, plans) for name, plans in routes.items()],
            clusters=self._clusters(routes),
            inbound=self._inbound(),
        )

    def _upstreams(self) -> list[str]:
        own = self.policies.services.get(self.workload.name)
        if own and own.spec.upstreams is not None:
            return sorted({qualify(name, self.workload.namespace) for name in own.spec.upstreams})
        return sorted({*self.policies.services, *(instance.service for instance in self.instances)})

    def _plan(self, service: str) -> list[RoutePlan]:
        caller = self.workload.namespace
        return self.policies.once(("plan", service, caller), lambda: plan(self.policies, service, caller))

    def _service(self, name: str, plans: Iterable[RoutePlan]) -> snapshot_pb2.Service:
        what = ("service", name, self.workload.namespace)
        return self.policies.once(what, lambda: self._encode_service(name, plans))

    def _encode_service(self, name: str, plans: Iterable[RoutePlan]) -> snapshot_pb2.Service:
        document = self.policies.services.get(name)
        return snapshot_pb2.Service(
            name=name,
            authorities=authorities(name, document, self.workload.namespace),
            routes=[_route(one) for one in plans],
            methods=_methods(document),
            circuit_breaker=encode.circuit_breaker(service_stack(self.policies, name)),
        )

    def _clusters(self, routes: dict[str, list[RoutePlan]]) -> list[snapshot_pb2.Cluster]:
        # A service's own cluster is always there: the engine then counts its endpoints even while a split avoids it.
        wanted = {Target(service, None, 0).cluster: Target(service, None, 0) for service in routes}
        for plans in routes.values():
            wanted |= {target.cluster: target for one in plans for target in one.targets}
        return [self._cluster(wanted[name]) for name in sorted(wanted)]

    def _cluster(self, target: Target) -> snapshot_pb2.Cluster:
        candidates = self._by_service.get(target.service, ())
        members = [instance for instance in candidates if self._belongs(instance, target)]
        found = snapshot_pb2.Cluster()
        found.CopyFrom(self.policies.once(("cluster", target.cluster), lambda: self._empty_cluster(target)))
        found.endpoints.extend(encode.endpoint(instance) for instance in members)
        if not members:
            found.why_empty = why_empty(candidates, self._labels(target))
        return found

    def _empty_cluster(self, target: Target) -> snapshot_pb2.Cluster:
        return encode.cluster(target.cluster, service_stack(self.policies, target.service))

    def _belongs(self, instance: registry_pb2.Instance, target: Target) -> bool:
        if instance.starting or not (instance.identity or target.service in self._plaintext):
            return False
        return all(instance.labels.get(name) == value for name, value in self._labels(target).items())

    def _labels(self, target: Target) -> dict[str, str]:
        document = self.policies.services.get(target.service)
        subsets = document.spec.subsets if document else ()
        return next((subset.labels for subset in subsets if subset.name == target.subset), {})

    @cached_property
    def _by_service(self) -> dict[str, list[registry_pb2.Instance]]:
        found: dict[str, list[registry_pb2.Instance]] = {}
        for instance in self.instances:
            found.setdefault(instance.service, []).append(instance)
        return found

    @cached_property
    def _plaintext(self) -> frozenset[str]:
        mesh = self.policies.mesh
        return (
            frozenset(qualify(name, mesh.metadata.namespace) for name in mesh.spec.plaintext) if mesh else frozenset()
        )

    def _inbound(self) -> snapshot_pb2.Inbound:
        guards = [
            policy for policy in self.policies.of_kind(AccessPolicy) if guards_service(policy, self.workload.name)
        ]
        mesh = self.policies.mesh
        own = self.policies.services.get(self.workload.name)
        return snapshot_pb2.Inbound(
            identity=self.workload.spiffe_id,
            service=self.workload.name,
            allow_by_default=mesh is not None and mesh.spec.mode == "open" and not guards,
            rules=[rule for policy in guards for rule in _access_rules(policy)],
            methods=_methods(own),
            health_check=encode.health_check(own.spec.health_check) if own and own.spec.health_check else None,
            circuit_breaker=encode.circuit_breaker(service_stack(self.policies, self.workload.name)),
        )


def authorities(name: str, document: Service | None, caller_namespace: str) -> list[str]:
    """What callers may write: `name` within the service's own namespace, `name.namespace` anywhere, with each port."""
    namespace, _, short = name.partition("/")
    hosts = [short] if namespace == caller_namespace else []
    hosts.append(f"{short}.{namespace}")
    ports = [port.port for port in document.spec.ports] if document else []
    return [*hosts, *(f"{host}:{port}" for host in hosts for port in ports)]


def guards_service(policy: AccessPolicy, service: str) -> bool:
    """Whether the policy says who may call this service. There is one mesh, so that a target of kind Mesh means all."""
    return any(
        target.kind == "Mesh" or f"{policy.metadata.namespace}/{target.name}" == service
        for target in policy.spec.target_refs
    )


def _route(route: RoutePlan) -> snapshot_pb2.Route:
    shares: dict[str, int] = {}
    for target in route.targets:
        shares[target.cluster] = shares.get(target.cluster, 0) + target.weight
    return snapshot_pb2.Route(
        name=route.name,
        matches=[encode.match(match) for match in route.matches],
        backends=[snapshot_pb2.WeightedCluster(cluster=name, weight=weight) for name, weight in shares.items()],
        policy=encode.route_policy(route.stack),
    )


def _methods(document: Service | None) -> list[snapshot_pb2.Method]:
    return [encode.method(method) for method in document.spec.methods] if document else []


def _access_rules(policy: AccessPolicy) -> list[snapshot_pb2.AccessRule]:
    allow = policy.spec.action == "Allow"
    return [
        snapshot_pb2.AccessRule(
            policy=policy.service,
            rule=index,
            action=snapshot_pb2.ACCESS_ACTION_ALLOW if allow else snapshot_pb2.ACCESS_ACTION_DENY,
            identities=[caller.identity for caller in rule.from_ or ()],
            methods=[name for operation in rule.to or () for name in operation.methods],
        )
        for index, rule in enumerate(policy.spec.rules)
    ]
