from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from control_plane.config import HostPort
from control_plane.identity.authority import Authority, RootError
from control_plane.identity.certificate import LeafLifetime
from control_plane.identity.operator import write_operator_credential
from control_plane.server import ServerCertificate
from control_plane.workload import WorkloadRef
from tests.control_plane.control_plane_harness import TRUST_DOMAIN, JumpingClock, make_csr, new_key

PAYMENTS = WorkloadRef("shop", "payments", TRUST_DOMAIN)


@pytest.fixture
async def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def authority(tmp_path: Path, clock: JumpingClock) -> Authority:
    return Authority.open(tmp_path / "authority", TRUST_DOMAIN, LeafLifetime(timedelta(seconds=60)), clock)


async def test_a_root_signs_certificates_and_nothing_else(authority: Authority) -> None:
    root = x509.load_pem_x509_certificate(authority.bundle_pem)
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (True, True, False)
    names = root.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier("spiffe://shop.local")]


async def test_the_bundle_of_sidecars_does_not_hold_the_access_root(authority: Authority, clock: JumpingClock) -> None:
    assert len(x509.load_pem_x509_certificates(authority.bundle_pem)) == 1
    assert len(x509.load_pem_x509_certificates(authority.clients_pem)) == 2
    operator = authority.issue_operator(clock.now()).certificate
    assert authority.signed_access(operator)
    assert not authority.signed_workload(operator)


async def test_an_independent_verifier_accepts_an_svid(authority: Authority, clock: JumpingClock) -> None:
    svid = authority.issue_svid(PAYMENTS, make_csr(new_key()), clock.now())
    roots = Store(x509.load_pem_x509_certificates(authority.bundle_pem))
    verified = (
        PolicyBuilder()
        .store(roots)
        .time(clock.now())
        .build_client_verifier()
        .verify(x509.load_pem_x509_certificate(svid.chain_pem), [])
    )
    assert verified.subjects == [x509.UniformResourceIdentifier("spiffe://shop.local/shop/payments")]


async def test_a_leaf_lives_as_long_as_configured(authority: Authority, clock: JumpingClock) -> None:
    now = clock.now()
    svid = authority.issue_svid(PAYMENTS, make_csr(new_key()), now)
    assert svid.not_after == (now + timedelta(seconds=60)).replace(microsecond=0)


async def test_the_roots_of_another_trust_domain_are_refused(
    authority: Authority, tmp_path: Path, clock: JumpingClock
) -> None:
    with pytest.raises(RootError, match=r"are those of spiffe://shop\.local and not of trust domain other\.local"):
        Authority.open(tmp_path / "authority", "other.local", LeafLifetime(), clock)


async def test_the_servers_certificate_is_renewed_in_its_last_month(authority: Authority, clock: JumpingClock) -> None:
    certificate = ServerCertificate(authority, HostPort("127.0.0.1", 0), clock)
    assert certificate.renewed() is None
    clock.jump(timedelta(days=336).total_seconds())
    assert certificate.renewed() is not None
    assert certificate.renewed() is None


async def test_the_operators_certificate_is_renewed_on_a_start_in_its_last_month(
    authority: Authority, tmp_path: Path, clock: JumpingClock
) -> None:
    def written(address: str) -> str:
        return write_operator_credential(tmp_path, authority, address, clock.now()).read_text()

    first = written("127.0.0.1:1")
    assert written("127.0.0.1:1") == first
    assert written("127.0.0.1:2") == first.replace("127.0.0.1:1", "127.0.0.1:2")
    clock.jump(timedelta(days=336).total_seconds())
    assert written("127.0.0.1:1") != first
