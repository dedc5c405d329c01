"""A certificate is verified once and remembered: what is remembered changes nothing about who may be here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from cryptography import x509

from control_plane import auth
from control_plane.auth import Authenticator, NoCredentialError
from control_plane.caller import Caller, Operator, Workload
from control_plane.identity.authority import Authority
from control_plane.identity.certificate import (
    CLIENT,
    KeyPair,
    LeafLifetime,
    LeafNames,
    make_leaf,
    make_root,
    new_key,
)
from control_plane.workload import WorkloadRef
from tests.control_plane.control_plane_harness import TRUST_DOMAIN, make_csr
from tests.control_plane.telemetry.telemetry_harness import ManualClock

BEGAN = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAYMENTS = WorkloadRef("shop", "payments", TRUST_DOMAIN)
ORDERS = WorkloadRef("shop", "orders", TRUST_DOMAIN)


class CountingAuthority(Authority):
    """One that tells how often it verified a signature as the workload root's."""

    verified = 0

    def signed_workload(self, certificate: x509.Certificate) -> bool:
        self.verified += 1
        return super().signed_workload(certificate)


@dataclass
class Calls:
    """Calls of peers that show a certificate."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(BEGAN))

    def __post_init__(self) -> None:
        workload, access = (make_root(name, TRUST_DOMAIN, BEGAN) for name in ("workload", "access"))
        self.authority = CountingAuthority(workload, access, TRUST_DOMAIN, LeafLifetime(HOUR))
        self._authenticator = Authenticator(self.authority, TRUST_DOMAIN, self.clock)
        self._csr = make_csr(new_key())

    def svid(self, ref: WorkloadRef = PAYMENTS) -> bytes:
        return self.authority.issue_svid(ref, self._csr, self.clock.now()).chain_pem

    def caller(self, pem: bytes) -> Caller:
        # A copy, as gRPC makes one for each call: it is the bytes that count.
        shown: Mapping[str, Any] = {"x509_pem_cert": [bytes(bytearray(pem))]}
        return self._authenticator.caller(cast(Any, _Context(shown)))


@dataclass(frozen=True)
class _Context:
    shown: Mapping[str, Any]

    def auth_context(self) -> Mapping[str, Any]:
        return self.shown


def forged(name: str, path: str) -> bytes:
    """A leaf of a root that has one of ours' name, and is not ours."""
    root, key = make_root(name, TRUST_DOMAIN, BEGAN), new_key()
    leaf_names = LeafNames(f"spiffe://{TRUST_DOMAIN}{path}", (CLIENT,))
    return KeyPair(make_leaf(root, key.public_key(), leaf_names, BEGAN, HOUR), key).certificate_pem


def test_a_certificate_is_verified_once_however_often_its_holder_calls() -> None:
    calls = Calls()
    svid = calls.svid()
    assert [calls.caller(svid) for _ in range(3)] == [Workload(PAYMENTS)] * 3
    assert calls.authority.verified == 1


async def test_a_remembered_certificate_is_refused_from_the_second_in_which_it_ends() -> None:
    calls = Calls()
    svid = calls.svid()
    operator = calls.authority.issue_operator(BEGAN).certificate_pem
    assert (calls.caller(svid), calls.caller(operator)) == (Workload(PAYMENTS), Operator())
    await calls.clock.advance(HOUR.total_seconds() - 1)
    assert calls.caller(svid) == Workload(PAYMENTS)
    await calls.clock.advance(1)
    for _ in range(2):
        with pytest.raises(NoCredentialError, match="the client certificate expired at 2026-01-02 04:04:00 UTC"):
            calls.caller(svid)
    assert calls.caller(operator) == Operator()
    assert calls.caller(calls.svid()) == Workload(PAYMENTS)


def test_one_of_another_root_with_the_same_names_is_refused_whoever_is_remembered() -> None:
    calls = Calls()
    calls.caller(calls.svid())
    calls.caller(calls.authority.issue_operator(BEGAN).certificate_pem)
    for pem in (forged("workload", "/shop/payments"), forged("access", "/tulle/operator")):
        for _ in range(2):
            with pytest.raises(NoCredentialError, match="the client certificate is not ours"):
                calls.caller(pem)


def test_two_holders_are_never_taken_for_one_another() -> None:
    calls = Calls()
    payments, orders = calls.svid(PAYMENTS), calls.svid(ORDERS)
    for _ in range(2):
        assert (calls.caller(payments), calls.caller(orders)) == (Workload(PAYMENTS), Workload(ORDERS))


def test_what_is_remembered_is_bounded_and_who_called_last_is_remembered_the_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(auth, "REMEMBERED", 2)
    calls = Calls()
    first, second, third = calls.svid(), calls.svid(), calls.svid()
    for pem in (first, second, first, third):
        calls.caller(pem)
    assert calls.authority.verified == 3
    calls.caller(first)
    assert calls.authority.verified == 3
    calls.caller(second)
    assert calls.authority.verified == 4
