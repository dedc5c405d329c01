"""The policy in force for a service, each value with the document that it comes from."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from control_plane.policy import defaults
from control_plane.policy.model import AccessPolicy
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.precedence import DEFAULT, Stack, service_stack
from control_plane.policy.quantity import format_duration
from control_plane.policy.resolve import guards_service
from control_plane.policy.routing import RoutePlan, plan
from protos.tulle.v1.policy_pb2 import EffectiveValue

WHOLE_SERVICE: Final = ""
INBOUND: Final = "inbound"


def describe(policies: PolicySet, service: str, method: str) -> list[EffectiveValue]:
    """Routes in the order in which callers of the service's own namespace try them, then the service, then access.

    `method`: "package.Service/Method", "" for all. A route that asks for headers as well is listed with the others.
    """
    routes = [one for one in plan(policies, service, service.partition("/")[0]) if _takes(one, method)]
    return [
        *(value for route in routes for value in _route(route)),
        *_fields(WHOLE_SERVICE, service_stack(policies, service), defaults.SERVICE_FIELDS),
        *_methods(policies, service, method),
        *_access(policies, service, method),
    ]


def _takes(route: RoutePlan, method: str) -> bool:
    if not method or not route.matches:
        return True
    service, _, name = method.partition("/")
    wanted = (match.method for match in route.matches)
    return any(one is None or (one.service in (None, service) and one.method in (None, name)) for one in wanted)


def _route(route: RoutePlan) -> Iterator[EffectiveValue]:
    total = sum(target.weight for target in route.targets)
    shares = ", ".join(f"{one.cluster} {100 * one.weight / total:.4g}%" for one in route.targets)
    yield EffectiveValue(route=route.name, field="backends", value=shares, origin=route.origin)
    yield from _fields(route.name, route.stack, defaults.ROUTE_FIELDS)


def _fields(route: str, stack: Stack, fields: Iterable[defaults.Anything]) -> Iterator[EffectiveValue]:
    for field in fields:
        value, origin = stack.explain(field)
        yield EffectiveValue(route=route, field=field.path, value=_text(field, value), origin=origin)


def _text(field: defaults.Anything, value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _methods(policies: PolicySet, service: str, method: str) -> Iterator[EffectiveValue]:
    document = policies.services.get(service)
    for one in document.spec.methods if document else ():
        if document and one.name == method:
            origin, field = str(document.key), f"methods[{method}]"
            text = f"{one.kind}, {'idempotent' if one.idempotent else 'not idempotent'}"
            yield EffectiveValue(route=WHOLE_SERVICE, field=field, value=text, origin=origin)


def _access(policies: PolicySet, service: str, method: str) -> Iterator[EffectiveValue]:
    guards = [policy for policy in policies.of_kind(AccessPolicy) if guards_service(policy, service)]
    # Any DENY that matches denies; only then are the ALLOW asked.
    for policy in sorted(guards, key=lambda one: one.spec.action != "Deny"):
        for index, rule in enumerate(policy.spec.rules):
            methods = [name for operation in rule.to or () for name in operation.methods]
            if method and methods and not {method, f"{method.partition('/')[0]}/*"} & set(methods):
                continue
            callers = ", ".join(caller.identity for caller in rule.from_ or ()) or "any authenticated caller"
            text = f"{policy.spec.action} {callers} to call {', '.join(methods) or 'any method'}"
            yield EffectiveValue(route=INBOUND, field=f"access.rules[{index}]", value=text, origin=str(policy.key))
    mesh = policies.mesh
    opened = mesh is not None and mesh.spec.mode == "open" and not guards
    yield EffectiveValue(
        route=INBOUND,
        field="access.default",
        value="Allow" if opened else "Deny",
        origin=str(mesh.key) if opened and mesh else DEFAULT,
    )
