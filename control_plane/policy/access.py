"""Who may call what: the body of `AccessPolicy`."""

from typing import Annotated, Literal

from pydantic import Field

from control_plane.policy.block import Block
from control_plane.policy.quantity import Identity, Many, MethodPattern, Mode, Name


class AccessTarget(Block):
    """The service that the policy guards, in the policy's namespace, or the whole mesh."""

    group: Literal["", "core", "tulle.dev"] | None = None
    kind: Literal["Service", "Mesh"]
    name: Name


class Caller(Block):
    """An exact SPIFFE id, or a prefix ending in `/*`."""

    identity: Identity


class Operation(Block):
    """Methods `package.Service/Method` or `package.Service/*`."""

    methods: Annotated[Many[MethodPattern], Field(min_length=1, max_length=1000)]


class AccessRuleSpec(Block):
    """Any of `from` calling any of `to`. Left out: any authenticated caller, any method."""

    from_: Annotated[Many[Caller], Field(min_length=1, max_length=1000)] | None = Field(default=None, alias="from")
    to: Annotated[Many[Operation], Field(min_length=1, max_length=100)] | None = None


class AccessPolicySpec(Block):
    """An `AccessPolicy`'s body. A policy without rules matches no call."""

    target_refs: Annotated[Many[AccessTarget], Field(min_length=1, max_length=100)]
    action: Literal["Allow", "Deny"]
    mode: Mode = "Enforce"
    rules: Annotated[Many[AccessRuleSpec], Field(max_length=1000)] = ()
