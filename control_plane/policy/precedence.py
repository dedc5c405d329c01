"""Which document a value comes from: route rule > GRPCRoute > Service > Mesh; equals: the older, then by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from control_plane.policy import defaults
from control_plane.policy.defaults import TrafficField
from control_plane.policy.model import GRPCRoute, Mesh
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.route import Rule
from control_plane.policy.traffic import Traffic

T = TypeVar("T")
DEFAULT: Final = "default"


@dataclass(frozen=True)
class Layer:
    """What one document says, and which document that is."""

    origin: str
    traffic: Traffic


@dataclass(frozen=True)
class Stack:
    """Layers, the strongest first."""

    layers: tuple[Layer, ...] = ()

    def value(self, field: TrafficField[T]) -> T:
        """The value in force."""
        return self.explain(field)[0]

    def explain(self, field: TrafficField[T]) -> tuple[T, str]:
        """The value in force and its origin."""
        for layer in self.layers:
            value = field.read(layer.traffic)
            if value is not None:
                return value, layer.origin
        if field.path == defaults.ATTEMPTS.path:
            return cast(T, self._attempts()), DEFAULT
        return field.default, DEFAULT

    def _attempts(self) -> int:
        asked = any(layer.traffic.retry is not None for layer in self.layers)
        return defaults.ATTEMPTS_ASKED if asked else defaults.ATTEMPTS_UNASKED


def rule_stack(policies: PolicySet, service: str, route: GRPCRoute, rule: Rule) -> Stack:
    """What holds for the calls of one rule of one route of a service."""
    return Stack(
        (
            *_of_rule(policies, route, rule),
            *_of_route(policies, route),
            *_of_service(policies, service),
            *_of_mesh(policies),
        )
    )


def default_stack(policies: PolicySet, service: str) -> Stack:
    """What holds for the calls of a service that no rule takes."""
    return Stack((*_of_service(policies, service), *_of_mesh(policies)))


def service_stack(policies: PolicySet, service: str) -> Stack:
    """What holds for the service as a whole; its fields may be given on its own routes and rules as well."""
    routes = own_routes(policies, service)
    return Stack(
        (
            *(layer for route in routes for rule in route.spec.rules for layer in _of_rule(policies, route, rule)),
            *(layer for route in routes for layer in _of_route(policies, route)),
            *_of_service(policies, service),
            *_of_mesh(policies),
        )
    )


def own_routes(policies: PolicySet, service: str) -> list[GRPCRoute]:
    """The routes of the service's own namespace (GAMMA: producer routes)."""
    namespace = service.partition("/")[0]
    return [route for route in policies.routes.get(service, ()) if route.metadata.namespace == namespace]


def _of_rule(policies: PolicySet, route: GRPCRoute, rule: Rule) -> Iterator[Layer]:
    if rule.name is not None:
        yield from _layers(policies, "GRPCRoute", route.service, rule.name)


def _of_route(policies: PolicySet, route: GRPCRoute) -> Iterator[Layer]:
    yield from _layers(policies, "GRPCRoute", route.service, None)


def _of_service(policies: PolicySet, service: str) -> Iterator[Layer]:
    yield from _layers(policies, "Service", service, None)


def _layers(policies: PolicySet, kind: str, name: str, section: str | None) -> Iterator[Layer]:
    for policy in policies.traffic.get((kind, name, section), ()):
        yield Layer(str(policy.key), policy.spec)


def _of_mesh(policies: PolicySet) -> tuple[Layer, ...]:
    """There is one mesh, so that a target of kind Mesh means it under any name."""
    return tuple(
        Layer(str(document.key), document.spec.defaults if isinstance(document, Mesh) else document.spec)
        for document in policies.mesh_wide
    )
