"""Identity's gRPC face (protos/tulle/v1/identity.proto): joining, renewing, and tokens for operators."""

import base64
from datetime import timedelta
from typing import Any

import grpc
from typing_extensions import override

from control_plane.caller import CallerOf, workload_of
from control_plane.clock import Clock
from control_plane.events import EventSink
from control_plane.identity.authority import Authority, Svid, check_csr
from control_plane.identity.tokens import Token, Tokens, TokenTtl
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import identity_pb2, identity_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class IdentityService(identity_pb2_grpc.IdentityServicer):
    """`control_plane` is the "host:port" that tokens tell sidecars to come to."""

    def __init__(
        self,
        authority: Authority,
        tokens: Tokens,
        caller: CallerOf,
        trust_domain: str,
        control_plane: str,
        events: EventSink,
        clock: Clock,
    ) -> None:
        self._authority = authority
        self._tokens = tokens
        self._caller = caller
        self._trust_domain = trust_domain
        self._control_plane = control_plane
        self._events = events
        self._clock = clock

    @override
    async def Join(self, request: identity_pb2.JoinRequest, context: Context) -> identity_pb2.SvidResponse:
        check_csr(request.csr_der)  # a request that cannot be signed must not spend the token
        ref = await self._tokens.spend(request.secret)
        svid = self._authority.issue_svid(ref, request.csr_der, self._clock.now())
        self._events.record("joined", ref.name, f"a sidecar joined as {ref.spiffe_id}")
        return self._response(svid)

    @override
    async def Renew(self, request: identity_pb2.RenewRequest, context: Context) -> identity_pb2.SvidResponse:
        ref = workload_of(self._caller(context))
        return self._response(self._authority.issue_svid(ref, request.csr_der, self._clock.now()))

    @override
    async def CreateToken(
        self, request: identity_pb2.CreateTokenRequest, context: Context
    ) -> identity_pb2.CreateTokenResponse:
        ref = WorkloadRef.parse(request.service, self._trust_domain)
        ttl = TokenTtl.from_seconds(request.ttl_seconds)
        token = await self._tokens.create(ref, ttl)
        return identity_pb2.CreateTokenResponse(
            token=self._encode(token, ttl.value), expires_unix_ms=int(token.expires.timestamp() * 1000)
        )

    def _encode(self, token: Token, lifetime: timedelta) -> str:
        joiner = self._authority.issue_joiner(self._clock.now(), lifetime)
        message = identity_pb2.JoinToken(
            secret=token.secret,
            service=token.ref.name,
            control_plane=self._control_plane,
            root_pem=self._authority.bundle_pem,
            certificate_pem=joiner.certificate_pem,
            key_pem=joiner.key_pem,
        )
        return base64.urlsafe_b64encode(message.SerializeToString()).rstrip(b"=").decode()

    def _response(self, svid: Svid) -> identity_pb2.SvidResponse:
        return identity_pb2.SvidResponse(
            spiffe_id=svid.spiffe_id,
            chain_pem=svid.chain_pem,
            bundle_pem=self._authority.bundle_pem,
            not_after_unix_ms=int(svid.not_after.timestamp() * 1000),
        )
