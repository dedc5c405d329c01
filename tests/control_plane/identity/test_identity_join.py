import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from protos.tulle.v1 import identity_pb2
from tests.control_plane.control_plane_harness import Running, control_plane, make_csr, new_key, status_of


def join_request(token: identity_pb2.JoinToken, csr: bytes | None = None) -> identity_pb2.JoinRequest:
    return identity_pb2.JoinRequest(secret=token.secret, csr_der=csr or make_csr(new_key()))


async def test_a_token_gets_an_svid_of_its_own_workload_whatever_the_request_asks_for(running: Running) -> None:
    token = await running.token("shop/payments")
    asked = x509.UniformResourceIdentifier("spiffe://shop.local/shop/admin"), x509.DNSName("control-plane.tulle")
    answer = await running.joiner(token).identity.Join(join_request(token, make_csr(new_key(), *asked)))
    assert answer.spiffe_id == "spiffe://shop.local/shop/payments"
    leaf = x509.load_pem_x509_certificate(answer.chain_pem)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier("spiffe://shop.local/shop/payments")]


async def test_an_svid_obeys_the_rules_of_x509_svid(running: Running) -> None:
    leaf = (await running.join("shop/payments")).certificate
    basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert basic.critical
    assert not basic.value.ca
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.crl_sign
    purposes = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert purposes == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


async def test_an_svid_lives_an_hour_and_began_thirty_seconds_ago(running: Running) -> None:
    leaf = (await running.join("shop/payments")).certificate
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(hours=1, seconds=30)
    assert abs(leaf.not_valid_before_utc + timedelta(seconds=30) - datetime.now(UTC)) < timedelta(seconds=20)


async def test_a_token_is_used_once(running: Running) -> None:
    token = await running.token("shop/payments")
    joiner = running.joiner(token)
    await joiner.identity.Join(join_request(token))
    code, details = await status_of(joiner.identity.Join(join_request(token)))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert details == "the join token has been used: create another with `tulle token create`"


async def test_of_many_joins_at_once_with_one_token_one_succeeds(running: Running) -> None:
    token = await running.token("shop/payments")
    joiner = running.joiner(token)
    answers = await asyncio.gather(
        *(joiner.identity.Join(join_request(token)) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(answer, identity_pb2.SvidResponse) for answer in answers) == 1


async def test_a_used_token_stays_used_after_a_restart(tmp_path: Path) -> None:
    async with control_plane(tmp_path / "data") as first:
        token = await first.token("shop/payments")
        await first.joiner(token).identity.Join(join_request(token))
    async with control_plane(tmp_path / "data") as second:
        code, _ = await status_of(second.joiner(token).identity.Join(join_request(token)))
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_an_expired_token_is_refused(running: Running) -> None:
    token = await running.token("shop/payments")
    running.clock.jump(601)
    code, details = await status_of(running.joiner(token).identity.Join(join_request(token)))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert "expired" in details


async def test_a_secret_that_was_never_made_is_refused(running: Running) -> None:
    token = await running.token("shop/payments")
    request = identity_pb2.JoinRequest(secret=bytes(32), csr_der=make_csr(new_key()))
    code, details = await status_of(running.joiner(token).identity.Join(request))
    assert (code, details.partition(":")[0]) == (grpc.StatusCode.UNAUTHENTICATED, "the join token is unknown")


async def test_a_bad_request_does_not_spend_the_token(running: Running) -> None:
    token = await running.token("shop/payments")
    joiner = running.joiner(token)
    for bad in (b"nonsense", make_csr(ec.generate_private_key(ec.SECP384R1()))):
        code, details = await status_of(joiner.identity.Join(join_request(token, bad)))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "csr_der" in details
    await joiner.identity.Join(join_request(token))


async def test_the_secret_is_nowhere_on_disk(running: Running) -> None:
    token = await running.token("shop/payments")
    for file in running.folder.rglob("*"):
        assert not file.is_file() or token.secret not in file.read_bytes()


async def test_a_token_for_the_reserved_namespace_is_refused(running: Running) -> None:
    request = identity_pb2.CreateTokenRequest(service="tulle/operator")
    code, details = await status_of(running.operator().identity.CreateToken(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "reserved" in details


async def test_a_token_that_would_live_too_long_is_refused(running: Running) -> None:
    request = identity_pb2.CreateTokenRequest(service="shop/payments", ttl_seconds=86_401)
    code, details = await status_of(running.operator().identity.CreateToken(request))
    assert (code, "ttl_seconds" in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)


async def test_a_workload_renews_as_itself(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    answer = await sidecar.identity.Renew(identity_pb2.RenewRequest(csr_der=make_csr(new_key())))
    renewed = x509.load_pem_x509_certificate(answer.chain_pem)
    assert answer.spiffe_id == "spiffe://shop.local/shop/payments"
    assert renewed.serial_number != sidecar.certificate.serial_number


async def test_an_expired_svid_renews_nothing_even_on_a_connection_that_stands(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    await sidecar.identity.Renew(identity_pb2.RenewRequest(csr_der=make_csr(new_key())))
    running.clock.jump(3601)
    code, details = await status_of(sidecar.identity.Renew(identity_pb2.RenewRequest(csr_der=make_csr(new_key()))))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert "expired" in details
