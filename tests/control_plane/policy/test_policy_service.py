"""The Policy service over a real store: one revision or none, who wrote it and why, and where each value comes from."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from control_plane.clock import SystemClock
from control_plane.events import EventKind
from control_plane.policy import history
from control_plane.policy.load import Source, load
from control_plane.policy.problem import (
    InvalidDocumentsError,
    InvalidRequestError,
    NewerRevisionError,
    UnknownDocumentError,
)
from control_plane.policy.service import PolicyService
from control_plane.store.sqlite import SqliteStore
from protos.tulle.v1 import policy_pb2, registry_pb2
from tests.control_plane.policy.policy_documents import access, instance, mesh, route, service, traffic

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTEXT: Any = None  # the servicer leaves the caller to the guard, and never looks at the context
METHODS = "{methods: [{name: shop.v1.Payments/Charge}]}"
ALLOW = """
  targetRefs: [{kind: Service, name: payments}]
  action: Allow
  rules: [{from: [{identity: "spiffe://CALLER"}], to: [{methods: [METHOD]}]}]
"""
TIMEOUT = "{targetRefs: [{kind: Service, name: payments}], timeouts: {request: 2s}}"


class StoppedClock(SystemClock):
    def now(self) -> datetime:
        return NOW


@dataclass
class Events:
    told: list[tuple[str, str, str]] = field(default_factory=list)

    def record(self, kind: EventKind, subject: str, message: str) -> None:
        self.told.append((kind, subject, message))


@dataclass
class Room:
    service: PolicyService
    store: SqliteStore
    events: Events
    instances: list[registry_pb2.Instance]

    async def apply(self, *documents: str, **request: Any) -> policy_pb2.ApplyResponse:
        sources = [policy_pb2.Source(file=f"{index}.yaml", yaml=yaml) for index, yaml in enumerate(documents)]
        return await self.service.Apply(policy_pb2.ApplyRequest(sources=sources, author="ann", **request), CONTEXT)

    async def names(self) -> list[str]:
        listed = await self.service.List(policy_pb2.ListRequest(), CONTEXT)
        return [document.key.name for document in listed.documents]

    async def history(self, limit: int = 0) -> list[policy_pb2.Revision]:
        return list((await self.service.History(policy_pb2.HistoryRequest(limit=limit), CONTEXT)).revisions)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    store = await SqliteStore.open(tmp_path / "store.db", SystemClock())
    instances: list[registry_pb2.Instance] = []

    async def registered() -> list[registry_pb2.Instance]:
        return instances

    events = Events()
    yield Room(PolicyService(store, registered, events, StoppedClock(), "shop.local"), store, events, instances)
    await store.close()


def actions(response: policy_pb2.ApplyResponse) -> list[tuple[str, str]]:
    return [(change.key.name, change.action) for change in response.changes]


async def test_all_documents_of_an_apply_share_one_revision(room: Room) -> None:
    response = await room.apply(service("payments"), traffic("slow-bank", TIMEOUT), reason="INC-142")
    assert response.revision == 1
    assert actions(response) == [("payments", "created"), ("slow-bank", "created")]
    listed = await room.service.List(policy_pb2.ListRequest(kind="TrafficPolicy", namespace="shop"), CONTEXT)
    (document,) = listed.documents
    assert (listed.revision, document.revision, document.key.name) == (1, 1, "slow-bank")
    (again,) = load([Source("listed.yaml", document.yaml)])
    assert str(again.key) == "TrafficPolicy shop/slow-bank"
    (entry,) = await room.history()
    assert (entry.revision, entry.author, entry.reason) == (1, "ann", "INC-142")
    assert entry.time_unix_ms == int(NOW.timestamp() * 1000)
    assert [(change.key.name, change.action) for change in entry.changes] == actions(response)
    assert room.events.told == [
        ("apply", "revision 1", "ann: Service shop/payments created, TrafficPolicy shop/slow-bank created (INC-142)")
    ]


async def test_one_bad_document_and_nothing_is_written(room: Room) -> None:
    with pytest.raises(InvalidDocumentsError) as caught:
        await room.apply(service("payments"), service("Bad"))
    assert [problem.file for problem in caught.value.problems] == ["1.yaml"]
    assert await room.names() == []
    assert await room.history() == []
    assert room.store.revision == 0


async def test_applying_again_changes_nothing_and_a_change_is_its_own_revision(room: Room) -> None:
    await room.apply(service("payments"), service("orders"))
    assert actions(await room.apply(service("payments"))) == [("payments", "unchanged")]
    assert len(await room.history()) == 1
    response = await room.apply(service("payments", "{ports: [{port: 1}]}"), service("orders"))
    assert actions(response) == [("payments", "changed"), ("orders", "unchanged")]
    assert [revision.revision for revision in await room.history()] == [2, 1]
    assert [revision.revision for revision in await room.history(limit=1)] == [2]


async def test_an_expected_revision_that_is_not_the_newest_is_a_conflict(room: Room) -> None:
    await room.apply(service("a"))
    await room.apply(service("b"), expected_revision=1)
    with pytest.raises(NewerRevisionError, match="expected revision 1, the newest is 2"):
        await room.apply(service("c"), expected_revision=1)
    assert await room.names() == ["a", "b"]


async def test_writers_at_the_same_time_each_get_their_own_revision(room: Room) -> None:
    responses = await asyncio.gather(*(room.apply(service(f"s{index}")) for index in range(4)))
    assert sorted(response.revision for response in responses) == [1, 2, 3, 4]
    assert await room.names() == ["s0", "s1", "s2", "s3"]
    assert len(await room.history()) == 4


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(room: Room) -> None:
    response = await room.apply(traffic("slow-bank", TIMEOUT), dry_run=True)
    assert actions(response) == [("slow-bank", "created")]
    target = "TrafficPolicy shop/slow-bank: target shop/payments has neither a document nor an instance yet"
    assert list(response.warnings) == [target]
    assert room.store.revision == 0
    assert room.events.told == []


async def test_deleting_is_a_revision_and_what_does_not_exist_is_refused(room: Room) -> None:
    await room.apply(service("payments"), traffic("slow-bank", TIMEOUT))
    key = policy_pb2.DocumentKey(kind="Service", namespace="shop", name="payments")
    response = await room.service.Delete(policy_pb2.DeleteRequest(keys=[key], author="bob", reason="gone"), CONTEXT)
    assert actions(response) == [("payments", "deleted")]
    assert response.warnings[0].startswith("TrafficPolicy shop/slow-bank: target shop/payments has neither")
    assert await room.names() == ["slow-bank"]
    with pytest.raises(UnknownDocumentError, match="Service shop/payments does not exist"):
        await room.service.Delete(policy_pb2.DeleteRequest(keys=[key]), CONTEXT)


async def test_empty_requests_say_what_is_missing(room: Room) -> None:
    with pytest.raises(InvalidRequestError, match="no document was given: name files that hold at least one"):
        await room.apply("---\n")
    with pytest.raises(InvalidRequestError, match="no document was named"):
        await room.service.Delete(policy_pb2.DeleteRequest(), CONTEXT)


async def test_a_mesh_of_another_trust_domain_is_refused(room: Room) -> None:
    with pytest.raises(
        InvalidDocumentsError, match=r"0\.yaml:4: spec\.trustDomain: 'other' is not this control plane's"
    ):
        await room.apply(mesh("{trustDomain: other}"))
    await room.apply(mesh("{trustDomain: shop.local}"))


@pytest.mark.parametrize(
    ("documents", "warning"),
    [
        (
            [route("payments", "[{name: charge}]"), traffic("p", "{targetRefs: [{kind: GRPCRoute, name: paymets}]}")],
            "TrafficPolicy shop/p: target GRPCRoute shop/paymets does not exist yet; did you mean 'shop/payments'?",
        ),
        (
            [
                route("payments", "[{name: charge}]"),
                traffic("p", "{targetRefs: [{kind: GRPCRoute, name: payments, sectionName: chrge}]}"),
            ],
            "TrafficPolicy shop/p: GRPCRoute shop/payments has no rule named 'chrge'; did you mean 'charge'?",
        ),
        (
            [traffic("a", TIMEOUT), traffic("b", TIMEOUT.replace("2s", "3s"))],
            "TrafficPolicy shop/a and TrafficPolicy shop/b differ on timeouts.request for Service shop/payments: "
            "the first, older, holds",
        ),
        (
            [route("payments", "[{backendRefs: [{name: payment}]}]")],
            "GRPCRoute shop/payments: backend of rule payments/0 shop/payment has neither a document nor an instance "
            "yet; did you mean 'payments'?",
        ),
        (
            [route("a", "[{name: x}]"), route("b", "[{name: y}]")],
            "GRPCRoute shop/a and GRPCRoute shop/b match the same calls of shop/payments: the first, older, takes them",
        ),
        (
            [mesh("{}"), mesh("{}").replace("name: shop", "name: zweite")],
            "Mesh default/zweite is ignored: Mesh default/shop is older, and there is one mesh",
        ),
        (
            [access("a", "{targetRefs: [{kind: Mesh, name: shop}], action: Allow}")],
            "AccessPolicy shop/a has no rules, so that it matches no call",
        ),
        (
            [access("a", ALLOW.replace("CALLER", "shop.locl/shop/web").replace("METHOD", "a.B/C"))],
            "AccessPolicy shop/a: spiffe://shop.locl/shop/web is of another trust domain than this mesh's "
            "'shop.local'; did you mean 'shop.local'?",
        ),
        (
            [access("a", ALLOW.replace("CALLER", "shop.local/shop/paymets").replace("METHOD", "a.B/C"))],
            "AccessPolicy shop/a: spiffe://shop.local/shop/paymets names a service that has neither a document nor an "
            "instance yet; did you mean 'shop/payments'?",
        ),
        (
            [
                service("payments", METHODS),
                access("a", ALLOW.replace("CALLER", "shop.local/shop/*").replace("METHOD", "shop.v1.Payments/Chrge")),
            ],
            "AccessPolicy shop/a: shop/payments has no method shop.v1.Payments/Chrge; "
            "did you mean 'shop.v1.Payments/Charge'?",
        ),
        (
            [service("payments", METHODS), route("r", "[{matches: [{method: {service: shop.v1.Payment}}]}]")],
            "GRPCRoute shop/r: no method of shop/payments matches shop.v1.Payment/*; "
            "did you mean 'shop.v1.Payments/Charge'?",
        ),
    ],
)
async def test_what_is_odd_is_told_and_stops_nothing(room: Room, documents: list[str], warning: str) -> None:
    room.instances.append(instance("p1"))
    response = await room.apply(*documents)
    assert response.revision == 1
    assert warning in response.warnings


async def test_names_that_are_right_raise_no_notice(room: Room) -> None:
    room.instances.append(instance("w1", "shop/web"))
    for caller, method in (("shop.local/shop/web", "shop.v1.Payments/Charge"), ("shop.local/*", "shop.v1.Payments/*")):
        allow = access("a", ALLOW.replace("CALLER", caller).replace("METHOD", method))
        matching = route("r", "[{matches: [{method: {method: Charge}}]}]")
        assert list((await room.apply(service("payments", METHODS), allow, matching)).warnings) == []


async def test_describe_names_the_origin_of_each_value(room: Room) -> None:
    room.instances.append(instance("p1"))
    charge = "[{name: charge, matches: [{method: {service: shop.v1.Payments, method: Charge}}]}]"
    await room.apply(
        service("payments", "{methods: [{name: shop.v1.Payments/Charge, idempotent: true}]}"),
        route("payments", charge),
        traffic("slow-bank", TIMEOUT),
        access("callers", "{targetRefs: [{kind: Service, name: payments}], action: Allow, rules: [{}]}"),
    )
    request = policy_pb2.DescribeRequest(service="shop/payments", method="shop.v1.Payments/Charge")
    found = await room.service.Describe(request, CONTEXT)
    values = {(one.route, one.field): (one.value, one.origin) for one in found.values}
    assert values["payments/charge", "timeouts.request"] == ("2s", "TrafficPolicy shop/slow-bank")
    assert values["payments/charge", "retry.backoff.base"] == ("25ms", "default")
    assert values["payments/charge", "backends"] == ("shop/payments 100%", "GRPCRoute shop/payments")
    assert values["", "outlier.consecutiveFailures"] == ("7", "default")
    assert values["", "outlier.maxEjected"] == ("50%", "default")
    assert values["", "methods[shop.v1.Payments/Charge]"] == ("unary, idempotent", "Service shop/payments")
    callers = ("Allow any authenticated caller to call any method", "AccessPolicy shop/callers")
    assert values["inbound", "access.rules[0]"] == callers
    assert values["inbound", "access.default"] == ("Deny", "default")
    assert [one.id for one in found.instances] == ["p1"]


async def test_describe_of_another_method_leaves_the_rule_out(room: Room) -> None:
    await room.apply(service("payments"), route("payments", "[{name: charge, matches: [{method: {method: Charge}}]}]"))
    request = policy_pb2.DescribeRequest(service="shop/payments", method="a.B/Refund")
    found = await room.service.Describe(request, CONTEXT)
    assert {one.route for one in found.values} == {"default", "", "inbound"}


async def test_describe_of_nothing_suggests_what_there_is(room: Room) -> None:
    await room.apply(service("payments"))
    with pytest.raises(UnknownDocumentError, match="service shop/payment does not exist: did you mean 'shop/payments'"):
        await room.service.Describe(policy_pb2.DescribeRequest(service="shop/payment"), CONTEXT)


async def test_a_write_outlives_the_store_being_reopened(tmp_path: Path) -> None:
    clock = SystemClock()
    for expected in ([], ["payments"]):
        store = await SqliteStore.open(tmp_path / "again.db", clock)

        async def nobody() -> list[registry_pb2.Instance]:
            return []

        room = Room(PolicyService(store, nobody, Events(), clock, "shop.local"), store, Events(), [])
        assert await room.names() == expected
        await room.apply(service("payments"))
        await store.close()


async def test_only_the_newest_records_are_kept(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 3)
    for index in range(5):
        await room.apply(service(f"s{index}"))
    assert [revision.revision for revision in await room.history()] == [5, 4, 3]
    assert len(await room.names()) == 5
