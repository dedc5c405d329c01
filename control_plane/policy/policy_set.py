"""All documents in force, each with its age: what resolution starts from."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from control_plane.errors import ControlPlaneError
from control_plane.policy.model import (
    AccessPolicy,
    AnyDocument,
    Document,
    DocumentKey,
    GRPCRoute,
    Mesh,
    Service,
    TrafficPolicy,
)
from control_plane.store.base import Entry

PREFIX: Final = "/policy/"

_ADAPTER: Final[TypeAdapter[Mesh | Service | GRPCRoute | TrafficPolicy | AccessPolicy]] = TypeAdapter(AnyDocument)
D = TypeVar("D", bound=Document)
T = TypeVar("T")


class StoredDocumentError(ControlPlaneError):
    """A document in the store cannot be read: it was written by a newer version, or not by us."""


@dataclass(frozen=True)
class Stored:
    """A document with the revision it was created in (its age) and the one it last changed in."""

    document: Mesh | Service | GRPCRoute | TrafficPolicy | AccessPolicy
    created: int
    changed: int

    @property
    def key(self) -> DocumentKey:
        return self.document.key


@dataclass(frozen=True)
class PolicySet:
    """Documents, the older first, then by name: the order of precedence among equals."""

    documents: tuple[Stored, ...] = ()
    # What resolution has worked out from these documents alone, shared by the snapshots of all workloads.
    worked_out: dict[tuple[str, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, what: tuple[str, ...], work: Callable[[], T]) -> T:
        """The result of `work`, done once for these documents: `what` names it and everything else it depends on."""
        if what not in self.worked_out:
            self.worked_out[what] = work()
        return cast(T, self.worked_out[what])

    @classmethod
    def of(cls, documents: Iterable[Stored]) -> Self:
        """In the order of precedence, whatever the order given."""
        return cls(
            tuple(
                sorted(
                    documents,
                    key=lambda stored: (stored.created, stored.key.namespace, stored.key.name, stored.key.kind),
                )
            )
        )

    @classmethod
    def from_entries(cls, entries: Iterable[Entry]) -> Self:
        """From the store's entries under `/policy/`. StoredDocumentError: one of them cannot be read."""
        return cls.of(
            Stored(decode(entry), entry.create_revision, entry.mod_revision)
            for entry in entries
            if entry.key.startswith(PREFIX)
        )

    def __iter__(self) -> Iterator[Stored]:
        return iter(self.documents)

    def of_kind(self, kind: type[D]) -> tuple[D, ...]:
        """The documents of one kind, in the order of precedence."""
        return tuple(stored.document for stored in self.documents if isinstance(stored.document, kind))

    @cached_property
    def services(self) -> dict[str, Service]:
        """Service documents by "namespace/name"."""
        return {service.service: service for service in self.of_kind(Service)}

    @cached_property
    def p99_targets_ms(self) -> dict[str, float]:
        """The latency that services mean to reach, by "namespace/name", of those that say one."""
        declared = ((name, service.spec.targets.p99) for name, service in self.services.items())
        return {name: target.total_seconds() * 1000 for name, target in declared if target is not None}

    @cached_property
    def streams(self) -> dict[str, frozenset[str]]:
        """The methods that services declare as streaming, by "namespace/name", of those that have some."""
        declared = (
            (name, frozenset(method.name for method in service.spec.methods if method.kind != "unary"))
            for name, service in self.services.items()
        )
        return {name: methods for name, methods in declared if methods}

    @cached_property
    def by_key(self) -> dict[DocumentKey, Stored]:
        return {stored.key: stored for stored in self.documents}

    @cached_property
    def traffic(self) -> dict[tuple[str, str, str | None], tuple[TrafficPolicy, ...]]:
        """TrafficPolicies by target: kind, "namespace/name" (a policy's own namespace), rule or None; each once."""
        found: dict[tuple[str, str, str | None], dict[DocumentKey, TrafficPolicy]] = {}
        for policy in self.of_kind(TrafficPolicy):
            for target in policy.spec.target_refs:
                where = (target.kind, f"{policy.metadata.namespace}/{target.name}", target.section_name)
                found.setdefault(where, {})[policy.key] = policy
        return {where: tuple(policies.values()) for where, policies in found.items()}

    @cached_property
    def routes(self) -> dict[str, tuple[GRPCRoute, ...]]:
        """GRPCRoutes by the service that is their parent, wherever the route lives; each once."""
        found: dict[str, dict[DocumentKey, GRPCRoute]] = {}
        for route in self.of_kind(GRPCRoute):
            for parent in route.spec.parent_refs:
                service = f"{parent.namespace or route.metadata.namespace}/{parent.name}"
                found.setdefault(service, {})[route.key] = route
        return {service: tuple(routes.values()) for service, routes in found.items()}

    @cached_property
    def mesh_wide(self) -> tuple[Mesh | TrafficPolicy, ...]:
        """What speaks for the whole mesh: the Mesh document in force and the TrafficPolicies that target it."""
        return tuple(
            document
            for document in (stored.document for stored in self.documents)
            if document is self.mesh
            or (isinstance(document, TrafficPolicy) and any(ref.kind == "Mesh" for ref in document.spec.target_refs))
        )

    @cached_property
    def mesh(self) -> Mesh | None:
        """The Mesh document in force: the oldest."""
        return next(iter(self.of_kind(Mesh)), None)


def encode(document: Document) -> bytes:
    """What is kept in the store: JSON of the fields that the author gave."""
    return document.model_dump_json(by_alias=True, exclude_unset=True).encode()


def decode(entry: Entry) -> Mesh | Service | GRPCRoute | TrafficPolicy | AccessPolicy:
    """The document of an entry. StoredDocumentError: it cannot be read."""
    try:
        return _ADAPTER.validate_json(entry.value)
    except ValidationError as error:
        first = error.errors()[0]
        raise StoredDocumentError(
            f"{entry.key} holds no document that this version knows: {first['msg']}",
            hint="start the version that wrote it, and delete the document with that",
        ) from error
