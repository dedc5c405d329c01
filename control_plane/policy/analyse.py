"""What is odd about documents that are each valid: missing targets, conflicts, fields that reach far.

None of it stops a write: documents may come before what they speak of. What must stop one is in `refuse`.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations

from control_plane.policy import defaults
from control_plane.policy.load import Loaded
from control_plane.policy.model import AccessPolicy, DocumentKey, GRPCRoute, Mesh, Service, TrafficPolicy
from control_plane.policy.notice import Notice, line
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.problem import Problem
from control_plane.policy.resolve import qualify
from control_plane.policy.routing import backend, rule_name
from control_plane.policy.strangers import strangers
from control_plane.policy.suggest import did_you_mean


def refuse(loaded: Iterable[Loaded], trust_domain: str) -> list[Problem]:
    """Documents that are valid anywhere but here: a Mesh of another trust domain than this control plane's."""
    return [
        one.problem(
            ("spec", "trustDomain"),
            f"{one.document.spec.trust_domain!r} is not this control plane's trust domain {trust_domain!r}",
            f"write {trust_domain!r} or leave it out: it was fixed when the certificate authority was made",
        )
        for one in loaded
        if isinstance(one.document, Mesh) and one.document.spec.trust_domain not in (None, trust_domain)
    ]


def analyse(policies: PolicySet, registered: Iterable[str], trust_domain: str) -> list[Notice]:
    """Everything odd about these documents, given the names ("namespace/name") of services that have instances."""
    known = frozenset({*policies.services, *registered})
    return [
        *_meshes(policies),
        *(notice for service in policies.of_kind(Service) for notice in _upstreams(service, known)),
        *(notice for route in policies.of_kind(GRPCRoute) for notice in _route(policies, route, known)),
        *(notice for policy in policies.of_kind(TrafficPolicy) for notice in _traffic(policies, policy, known)),
        *(notice for policy in policies.of_kind(AccessPolicy) for notice in _access(policy, known)),
        *_overlapping(policies),
        *_equal_rank(policies),
        *strangers(policies, known, trust_domain),
    ]


def _meshes(policies: PolicySet) -> Iterator[Notice]:
    first, *others = policies.of_kind(Mesh) or (None,)
    for other in others:
        if first is not None and other is not None:
            yield Notice(frozenset({other.key}), f"{other.key} is ignored: {first.key} is older, and there is one mesh")


def _upstreams(service: Service, known: frozenset[str]) -> Iterator[Notice]:
    for name in service.spec.upstreams or ():
        yield from _missing(service.key, "upstream", qualify(name, service.metadata.namespace), known)


def _route(policies: PolicySet, route: GRPCRoute, known: frozenset[str]) -> Iterator[Notice]:
    for parent in route.spec.parent_refs:
        service = f"{parent.namespace or route.metadata.namespace}/{parent.name}"
        yield from _missing(route.key, "parent", service, known)
        for index, rule in enumerate(route.spec.rules):
            for ref in rule.backend_refs:
                target = backend(policies, service, route, ref)
                where = f"backend of rule {rule_name(route, index)}"
                yield from _missing(route.key, where, target.service, known, _subsets(policies, service))


def _subsets(policies: PolicySet, service: str) -> list[str]:
    document = policies.services.get(service)
    return [subset.name for subset in document.spec.subsets] if document else []


def _traffic(policies: PolicySet, policy: TrafficPolicy, known: frozenset[str]) -> Iterator[Notice]:
    routes = {route.service: route for route in policies.of_kind(GRPCRoute)}
    for target in policy.spec.target_refs:
        name = f"{policy.metadata.namespace}/{target.name}"
        if target.kind == "Service":
            yield from _missing(policy.key, "target", name, known)
        if target.kind == "GRPCRoute":
            yield from _target_route(policy, name, target.section_name, routes)
            yield from _wider_than_it_looks(policy, name)


def _target_route(
    policy: TrafficPolicy, name: str, section: str | None, routes: dict[str, GRPCRoute]
) -> Iterator[Notice]:
    route = routes.get(name)
    if route is None:
        hint = did_you_mean(name, routes)
        yield Notice(frozenset({policy.key}), line(f"{policy.key}: target GRPCRoute {name} does not exist yet", hint))
        return
    rules = [rule.name for rule in route.spec.rules if rule.name]
    if section is not None and section not in rules:
        cause = f"{policy.key}: GRPCRoute {name} has no rule named {section!r}"
        yield Notice(frozenset({policy.key, route.key}), line(cause, did_you_mean(section, rules)))


def _wider_than_it_looks(policy: TrafficPolicy, route: str) -> Iterator[Notice]:
    given = [field.path for field in defaults.SERVICE_FIELDS if field.read(policy.spec) is not None]
    if given:
        text = f"{policy.key}: {', '.join(given)}: kept once a service, so in force for the whole service of {route}"
        yield Notice(frozenset({policy.key}), text)


def _access(policy: AccessPolicy, known: frozenset[str]) -> Iterator[Notice]:
    for target in policy.spec.target_refs:
        if target.kind == "Service":
            yield from _missing(policy.key, "target", f"{policy.metadata.namespace}/{target.name}", known)
    if not policy.spec.rules:
        yield Notice(frozenset({policy.key}), f"{policy.key} has no rules, so that it matches no call")


def _overlapping(policies: PolicySet) -> Iterator[Notice]:
    """Two routes of a service with the same match: the older takes the calls (Gateway API, GRPCRouteRule)."""
    for service, routes in policies.routes.items():
        for older, younger in combinations(routes, 2):
            if older.metadata.namespace != younger.metadata.namespace:
                continue
            theirs = [match for rule in older.spec.rules for match in rule.matches or (None,)]
            if any(match in theirs for rule in younger.spec.rules for match in rule.matches or (None,)):
                text = f"{older.key} and {younger.key} match the same calls of {service}: the first, older, takes them"
                yield Notice(frozenset({older.key, younger.key}), text)


def _equal_rank(policies: PolicySet) -> Iterator[Notice]:
    """TrafficPolicies with the same target and another value for the same field: the older holds."""
    for (kind, name, section), rivals in policies.traffic.items():
        for older, younger in combinations(rivals, 2):
            fields = (*defaults.ROUTE_FIELDS, *defaults.SERVICE_FIELDS)
            both = [(field.path, field.read(older.spec), field.read(younger.spec)) for field in fields]
            clash = [path for path, one, other in both if None not in (one, other) and one != other]
            if clash:
                where = f"{kind} {name}/{section}" if section else f"{kind} {name}"
                text = (
                    f"{older.key} and {younger.key} differ on {', '.join(clash)} for {where}: the first, older, holds"
                )
                yield Notice(frozenset({older.key, younger.key}), text)


def _missing(
    key: DocumentKey, role: str, service: str, known: frozenset[str], others: Iterable[str] = ()
) -> Iterator[Notice]:
    if service not in known:
        namespace, _, name = service.partition("/")
        near = [one.partition("/")[2] for one in known if one.startswith(f"{namespace}/")]
        hint = did_you_mean(name, [*near, *others])
        hint = hint if hint.startswith("did you mean") else ""
        yield Notice(
            frozenset({key}), line(f"{key}: {role} {service} has neither a document nor an instance yet", hint)
        )
