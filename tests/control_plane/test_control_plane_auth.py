from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from control_plane.auth import MAY_CALL, NoCredentialError, NotAllowedError, authorize
from control_plane.caller import Joiner, Operator, Workload
from control_plane.identity.certificate import CLIENT, KeyPair, LeafNames, make_leaf, make_root, new_key
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import discovery_pb2, identity_pb2, policy_pb2, registry_pb2, telemetry_pb2
from tests.control_plane.control_plane_harness import TARGET, TRUST_DOMAIN, Peer, Running, make_csr, status_of, within

CONTRACTS = (
    identity_pb2,
    registry_pb2,
    discovery_pb2,
    policy_pb2,
    telemetry_pb2,
    metrics_service_pb2,
    trace_service_pb2,
)


def test_every_rpc_of_the_contract_stands_in_the_table_and_nothing_else_does() -> None:
    methods = {
        f"/{service.full_name}/{method.name}"
        for contract in CONTRACTS
        for service in contract.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert set(MAY_CALL) == methods


def test_what_is_not_in_the_table_is_refused_to_everyone() -> None:
    for caller in (Operator(), Joiner(), Workload(WorkloadRef("shop", "payments", TRUST_DOMAIN))):
        with pytest.raises(NotAllowedError, match="no such method"):
            authorize(caller, "/tulle.v1.Secret/Read")


async def refused_at_the_handshake(running: Running, credentials: grpc.ChannelCredentials) -> bool:
    channel = grpc.aio.secure_channel(running.addresses.address, credentials, TARGET)
    try:
        code, _ = await status_of(Peer(channel).registry.ListInstances(registry_pb2.ListInstancesRequest()))
    finally:
        await channel.close()
    return code is grpc.StatusCode.UNAVAILABLE


async def test_a_client_without_a_certificate_is_refused(running: Running) -> None:
    root = running.credential.root_pem.encode()
    assert await refused_at_the_handshake(running, grpc.ssl_channel_credentials(root))


async def test_a_client_of_another_ca_is_refused(running: Running) -> None:
    now = datetime.now(UTC)
    root, key = make_root("another", TRUST_DOMAIN, now), new_key()
    names = LeafNames(f"spiffe://{TRUST_DOMAIN}/tulle/operator", (CLIENT,))
    forged = KeyPair(make_leaf(root, key.public_key(), names, now, timedelta(hours=1)), key)
    credentials = grpc.ssl_channel_credentials(
        running.credential.root_pem.encode(), forged.key_pem, forged.certificate_pem
    )
    assert await refused_at_the_handshake(running, credentials)


async def test_a_client_in_plaintext_is_refused(running: Running) -> None:
    async with grpc.aio.insecure_channel(running.addresses.address) as channel:
        code, _ = await status_of(Peer(channel).registry.ListInstances(registry_pb2.ListInstancesRequest()))
    assert code is grpc.StatusCode.UNAVAILABLE


async def test_a_workload_may_not_call_what_is_the_operators(running: Running) -> None:
    sidecar = await running.join("shop/payments")
    for call in (
        sidecar.registry.ListInstances(registry_pb2.ListInstancesRequest()),
        sidecar.discovery.ListProxies(discovery_pb2.ListProxiesRequest()),
        sidecar.identity.CreateToken(identity_pb2.CreateTokenRequest(service="shop/orders")),
        sidecar.policy.Apply(policy_pb2.ApplyRequest()),
        sidecar.policy.List(policy_pb2.ListRequest()),
    ):
        code, details = await status_of(call)
        assert code is grpc.StatusCode.PERMISSION_DENIED
        assert details.startswith("workload shop/payments may not call tulle.v1.")
        assert details.endswith("call with operator.json")


async def test_an_operator_is_no_workload(running: Running) -> None:
    operator = running.operator()
    code, details = await status_of(operator.registry.Register(registry_pb2.RegisterRequest(id="x", port=1)))
    assert (code, details) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "the operator may not call tulle.v1.Registry/Register: call with a sidecar's SVID",
    )
    watch = operator.discovery.Watch()
    code, _ = await status_of(watch.read())
    assert code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_join_token_opens_the_join_and_nothing_else(running: Running) -> None:
    joiner = running.joiner(await running.token("shop/payments"))
    code, _ = await status_of(joiner.identity.Renew(identity_pb2.RenewRequest()))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    code, _ = await status_of(joiner.registry.Register(registry_pb2.RegisterRequest(id="x", port=1)))
    assert code is grpc.StatusCode.PERMISSION_DENIED


async def test_the_servers_own_certificate_is_verified_by_the_name_that_clients_know(running: Running) -> None:
    answer = await within(running.operator().registry.ListInstances(registry_pb2.ListInstancesRequest()))
    assert list(answer.instances) == []


async def test_the_two_roots_make_different_callers(tmp_path: Path) -> None:
    from control_plane.auth import Authenticator
    from control_plane.identity.authority import Authority
    from control_plane.identity.certificate import LeafLifetime
    from tests.control_plane.control_plane_harness import JumpingClock

    clock = JumpingClock()
    authority = Authority.open(tmp_path / "authority", TRUST_DOMAIN, LeafLifetime(), clock)
    authenticator = Authenticator(authority, TRUST_DOMAIN, clock)
    assert authenticator.caller_of_certificate(authority.issue_operator(clock.now()).certificate) == Operator()
    server = authority.issue_server(clock.now(), ())
    with pytest.raises(NoCredentialError, match="is no workload"):
        authenticator.caller_of_certificate(server.certificate)
    svid = authority.issue_svid(WorkloadRef("shop", "payments", TRUST_DOMAIN), make_csr(new_key()), clock.now())
    assert svid.spiffe_id == "spiffe://shop.local/shop/payments"
