"""`GRPCRoute`, the Gateway API's v1 shape (GAMMA: the parent is a Service)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from control_plane.policy.block import Block
from control_plane.policy.quantity import HeaderName, Many, Name

MAX_WEIGHT = 1_000_000


class ParentRef(Block):
    """The service whose calls the route takes, in the route's own namespace unless said otherwise."""

    group: Literal["", "core", "tulle.dev"] | None = None
    kind: Literal["Service"]
    name: Name
    namespace: Name | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class MethodMatch(Block):
    """A gRPC service, a method, or both; names are matched exactly."""

    type: Literal["Exact"] = "Exact"
    service: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_.]+$")] | None = None
    method: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_]+$")] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.service is None and self.method is None:
            raise PydanticCustomError(
                "tulle", "{cause}", {"cause": "neither service nor method is given", "hint": "give one of them"}
            )
        return self


class HeaderValueMatch(Block):
    """A header's exact value."""

    type: Literal["Exact"] = "Exact"
    name: HeaderName
    value: Annotated[str, Field(min_length=1, max_length=4096)]


class Match(Block):
    """All given parts must match."""

    method: MethodMatch | None = None
    headers: Annotated[Many[HeaderValueMatch], Field(max_length=16)] = ()


class BackendRef(Block):
    """A subset of the parent, or a service. `weight` is relative; 0 receives nothing."""

    group: Literal["", "core", "tulle.dev"] | None = None
    kind: Literal["Service"] = "Service"
    name: Name
    namespace: Name | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    weight: Annotated[int, Field(ge=0, le=MAX_WEIGHT)] = 1


class Rule(Block):
    """Any match selects the rule; none given matches every call. Without backends the parent itself answers."""

    name: Name | None = None
    matches: Annotated[Many[Match], Field(max_length=64)] = ()
    backend_refs: Annotated[Many[BackendRef], Field(max_length=16)] = ()

    @model_validator(mode="after")
    def _somebody_receives(self) -> Self:
        if self.backend_refs and not any(backend.weight for backend in self.backend_refs):
            raise PydanticCustomError(
                "tulle", "{cause}", {"cause": "every backend has weight 0", "hint": "give one a weight over 0"}
            )
        return self


class GRPCRouteSpec(Block):
    """A `GRPCRoute`'s body."""

    parent_refs: Annotated[Many[ParentRef], Field(min_length=1, max_length=32)]
    rules: Annotated[Many[Rule], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _rules_have_their_own_names(self) -> Self:
        names = [rule.name for rule in self.rules if rule.name]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise PydanticCustomError(
                "tulle", "{cause}", {"cause": f"two rules are named {twice!r}", "hint": "give each rule its own name"}
            )
        return self
