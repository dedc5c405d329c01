"""Names in documents that nobody bears: identities of no workload, methods that the service does not have.

A typing error here is silent otherwise: a rule that matches nothing denies, or routes, as if it were not there.
"""

from collections.abc import Iterable, Iterator

from control_plane.policy.model import AccessPolicy, GRPCRoute, Service
from control_plane.policy.notice import Notice, line
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.route import MethodMatch
from control_plane.policy.suggest import did_you_mean

_SCHEME = "spiffe://"


def strangers(policies: PolicySet, known: frozenset[str], trust_domain: str) -> Iterator[Notice]:
    """Notices, given the services ("namespace/name") that have a document or an instance."""
    for policy in policies.of_kind(AccessPolicy):
        yield from _identities(policy, known, trust_domain)
        yield from _allowed_methods(policies, policy)
    for route in policies.of_kind(GRPCRoute):
        yield from _matched_methods(policies, route)


def _identities(policy: AccessPolicy, known: frozenset[str], trust_domain: str) -> Iterator[Notice]:
    callers = (caller.identity for rule in policy.spec.rules for caller in rule.from_ or ())
    for identity in dict.fromkeys(callers):
        domain, _, path = identity.removeprefix(_SCHEME).partition("/")
        if domain != trust_domain:
            cause = f"{policy.key}: {identity} is of another trust domain than this mesh's {trust_domain!r}"
            yield Notice(frozenset({policy.key}), line(cause, did_you_mean(domain, [trust_domain])))
        elif not path.endswith("*") and path not in known:
            cause = f"{policy.key}: {identity} names a service that has neither a document nor an instance yet"
            yield Notice(frozenset({policy.key}), line(cause, _near(path, known)))


def _allowed_methods(policies: PolicySet, policy: AccessPolicy) -> Iterator[Notice]:
    names = {name for rule in policy.spec.rules for operation in rule.to or () for name in operation.methods}
    for target in policy.spec.target_refs:
        document = policies.services.get(f"{policy.metadata.namespace}/{target.name}")
        if target.kind != "Service" or document is None or not document.spec.methods:
            continue
        methods = _methods(document)
        for name in sorted(names - methods - {f"{method.partition('/')[0]}/*" for method in methods}):
            cause = f"{policy.key}: {document.service} has no method {name}"
            yield Notice(frozenset({policy.key, document.key}), line(cause, _near(name, methods)))


def _matched_methods(policies: PolicySet, route: GRPCRoute) -> Iterator[Notice]:
    wanted = [match.method for rule in route.spec.rules for match in rule.matches if match.method]
    for parent in route.spec.parent_refs:
        document = policies.services.get(f"{parent.namespace or route.metadata.namespace}/{parent.name}")
        if document is None or not document.spec.methods:
            continue
        methods = _methods(document)
        for match in dict.fromkeys(wanted):
            if not any(_takes(match, method) for method in methods):
                name = f"{match.service or '*'}/{match.method or '*'}"
                cause = f"{route.key}: no method of {document.service} matches {name}"
                yield Notice(frozenset({route.key, document.key}), line(cause, _near(name, methods)))


def _takes(match: MethodMatch, name: str) -> bool:
    service, _, method = name.partition("/")
    return match.service in (None, service) and match.method in (None, method)


def _methods(document: Service) -> frozenset[str]:
    return frozenset(method.name for method in document.spec.methods)


def _near(name: str, names: Iterable[str]) -> str:
    hint = did_you_mean(name, names)
    return hint if hint.startswith("did you mean") else ""
