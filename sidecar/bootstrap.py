"""Getting in: the stored SVID where there is one, else the one call that a join token opens."""

import asyncio
import logging

import grpc

from protos.tulle.v1 import identity_pb2, identity_pb2_grpc
from sidecar import token as join_token
from sidecar.clock import Clock
from sidecar.config import SETTINGS, SidecarConfig
from sidecar.engine import Identities, InForce
from sidecar.errors import (
    ControlPlaneUnreachableError,
    ForeignStateError,
    NotJoinedError,
    SidecarError,
    TokenRefusedError,
)
from sidecar.link import Credentials, open_channel
from sidecar.state import State

log = logging.getLogger(__name__)

JOIN_TIMEOUT = 10.0
DEFAULT_CONTROL_PLANE = "127.0.0.1:7443"
# What grpcio says where TLS, not the network, ended the attempt.
_TLS_FAILURES = ("handshake failed", "ssl_error", "peer name", "alert")


async def establish(config: SidecarConfig, state: State, engine: Identities, clock: Clock) -> str:
    """Make sure that the engine has an identity; returns the control plane's address.

    Raises InvalidTokenError, TokenRefusedError, NotJoinedError, ForeignStateError, ControlPlaneUnreachableError.
    """
    current = engine.identity()
    if current is not None:
        _check_own(current, config, state)
        return config.control_plane or state.control_plane() or DEFAULT_CONTROL_PLANE
    text = join_token.given(config)
    if text is None:
        raise NotJoinedError(
            f"no identity that holds in {state.identity_dir}: it was never stored or has expired; "
            f"give {SETTINGS['token']}, made with `tulle token create {config.service_name}`"
        )
    token = join_token.decode(text, config.service_name)
    address = config.control_plane or token.control_plane
    try:
        svid = await _join(address, token, await engine.create_csr())
    except SidecarError:
        join_token.check_expiry(token, clock.now())
        raise
    await engine.set_identity(svid.chain_pem, svid.bundle_pem)
    await asyncio.to_thread(state.remember_control_plane, address)
    log.info("joined as %s", svid.spiffe_id)
    return address


def _check_own(current: InForce, config: SidecarConfig, state: State) -> None:
    _, _, path = current.spiffe_id.removeprefix("spiffe://").partition("/")
    if path != config.service_name:
        raise ForeignStateError(
            f"{SETTINGS['state_dir']}: {state.folder} holds the identity of {current.spiffe_id}, while "
            f"{SETTINGS['service']} says {config.service_name}; give each service a folder of its own"
        )


async def _join(address: str, token: identity_pb2.JoinToken, csr_der: bytes) -> identity_pb2.SvidResponse:
    credentials = Credentials(token.root_pem, token.certificate_pem, token.key_pem)
    request = identity_pb2.JoinRequest(secret=token.secret, csr_der=csr_der)
    channel = open_channel(address, credentials)
    try:
        return await identity_pb2_grpc.IdentityStub(channel).Join(request, timeout=JOIN_TIMEOUT)
    except grpc.aio.AioRpcError as error:
        raise _refusal(address, error) from error
    finally:
        await channel.close()


def _refusal(address: str, error: grpc.aio.AioRpcError) -> TokenRefusedError | ControlPlaneUnreachableError:
    details = error.details() or "no details"
    if any(sign in details.lower() for sign in _TLS_FAILURES):
        return TokenRefusedError(
            f"the control plane at {address} and this join token do not know one another (TLS: {details}); "
            f"{join_token.MAKE_ONE} of that control plane"
        )
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return ControlPlaneUnreachableError(
            f"the control plane at {address} does not answer ({details}); start it with `tulle control-plane`, or "
            f"correct {SETTINGS['control_plane']}"
        )
    return TokenRefusedError(
        f"the control plane at {address} refuses the join token ({error.code().name}: {details}); "
        f"a token is good once and not for long; {join_token.MAKE_ONE}"
    )
