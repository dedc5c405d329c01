"""A service's routes in the order in which they are tried.

GAMMA: routes of the caller's own namespace for a service elsewhere (consumer routes) come before the service's own
(producer routes). Then the Gateway API's order for GRPCRoute: the longer service name, the longer method name, more
headers, the older route, by name, the earlier rule. The last route matches everything and leads to the service itself,
so that a route for one method takes nothing from the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from control_plane.policy.model import GRPCRoute
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.precedence import DEFAULT, Stack, default_stack, own_routes, rule_stack
from control_plane.policy.route import BackendRef, Match, Rule


@dataclass(frozen=True)
class Target:
    """A share of a route's calls. `subset` is None for the whole service."""

    service: str
    subset: str | None
    weight: int

    @property
    def cluster(self) -> str:
        """ "namespace/name" or "namespace/name#subset"."""
        return f"{self.service}#{self.subset}" if self.subset else self.service


@dataclass(frozen=True)
class RoutePlan:
    """A route as it is tried: no matches means every call."""

    name: str
    matches: tuple[Match, ...]
    targets: tuple[Target, ...]
    stack: Stack
    origin: str


@dataclass(frozen=True)
class _Candidate:
    """One match of one rule, ordered by how narrow it is."""

    order: tuple[int, ...]
    route: GRPCRoute
    index: int
    match: Match

    @property
    def rule(self) -> Rule:
        return self.route.spec.rules[self.index]


def plan(policies: PolicySet, service: str, caller_namespace: str) -> list[RoutePlan]:
    """The routes that a caller of this namespace sees for the service, the default one last."""
    plans = list(_plans(policies, service, _candidates(policies, service, caller_namespace)))
    if not any(_takes_all(route) for route in plans):
        plans.append(_default(policies, service))
    return plans


def backend(policies: PolicySet, service: str, route: GRPCRoute, ref: BackendRef) -> Target:
    """What a backend names: a subset of the parent if there is one of that name, else a service."""
    parent = policies.services.get(service)
    is_subset = ref.namespace is None and parent and any(subset.name == ref.name for subset in parent.spec.subsets)
    if is_subset:
        return Target(service, ref.name, ref.weight)
    return Target(f"{ref.namespace or route.metadata.namespace}/{ref.name}", None, ref.weight)


def rule_name(route: GRPCRoute, index: int) -> str:
    """ "route/rule"; a rule without a name goes by its place, from 0."""
    return f"{route.metadata.name}/{route.spec.rules[index].name or index}"


def _default(policies: PolicySet, service: str) -> RoutePlan:
    return RoutePlan(DEFAULT, (), (Target(service, None, 1),), default_stack(policies, service), DEFAULT)


def _plans(policies: PolicySet, service: str, candidates: Iterable[_Candidate]) -> Iterator[RoutePlan]:
    for (_, index), group in groupby(candidates, key=lambda one: (one.route.key, one.index)):
        members = list(group)
        route, rule = members[0].route, members[0].rule
        # A match without parts takes every call, which the engine knows as a route without matches.
        matches = tuple(member.match for member in members)
        everything = any(match == Match() for match in matches)
        found = tuple(backend(policies, service, route, ref) for ref in rule.backend_refs)
        yield RoutePlan(
            rule_name(route, index),
            () if everything else matches,
            found or (Target(service, None, 1),),
            rule_stack(policies, service, route, rule),
            str(route.key),
        )
        if everything:
            return


def _candidates(policies: PolicySet, service: str, caller_namespace: str) -> list[_Candidate]:
    consumers = [
        route
        for route in policies.routes.get(service, ())
        if route.metadata.namespace == caller_namespace != service.partition("/")[0]
    ]
    tiers = enumerate((consumers, own_routes(policies, service)))
    found = [
        _Candidate((tier, *_narrowness(match), age, index), route, index, match)
        for tier, routes in tiers
        for age, route in enumerate(routes)
        for index, rule in enumerate(route.spec.rules)
        for match in rule.matches or (Match(),)
    ]
    return sorted(found, key=lambda candidate: candidate.order)


def _narrowness(match: Match) -> tuple[int, int, int]:
    service = len(match.method.service or "") if match.method else 0
    method = len(match.method.method or "") if match.method else 0
    return -service, -method, -len(match.headers)


def _takes_all(route: RoutePlan) -> bool:
    return not route.matches
