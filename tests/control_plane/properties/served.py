"""A control plane in a thread of this process: real TLS, real stores, every kind of caller, and its log in the hand."""

import asyncio
import logging
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from control_plane.app import Addresses, serve
from control_plane.config import ControlPlaneConfig, HostPort
from protos.tulle.v1 import identity_pb2, identity_pb2_grpc, policy_pb2, registry_pb2
from tests.control_plane.control_plane_harness import TARGET, TRUST_DOMAIN, decode_token, key_pem, make_csr, new_key
from tests.control_plane.properties.methods import Method, method_of

SERVICE = "shop/orders"
PATIENCE = 20.0  # seconds
QUICK = 0.02  # seconds; the longest that this clock sleeps


class HandClock:
    """The time of day; what is waited for comes at once, and no lease ends unless the test moves the hand."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, QUICK))

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class Complaints(logging.Handler):
    """What was logged at error or above, or with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.lines.append(logging.Formatter().format(record))


@dataclass(frozen=True)
class Answer:
    """How a call ended, and what came before."""

    code: grpc.StatusCode
    details: str
    responses: tuple[Message, ...]


@dataclass
class Served:
    """`callers` by their kind: "Operator", "Workload", "Joiner"."""

    addresses: Addresses
    clock: HandClock
    complaints: Complaints
    callers: dict[str, grpc.Channel] = field(default_factory=dict)

    def call(self, caller: str, method: Method, *requests: Message, most: int = 3) -> Answer:
        """Send the requests, end our side, take at most `most` responses."""
        made = method.begin(self.callers[caller], iter(requests), PATIENCE)
        responses: list[Message] = []
        try:
            for response in made:
                responses.append(response)
                if len(responses) == most:
                    made.cancel()
                    return Answer(grpc.StatusCode.OK, "", tuple(responses))
        except grpc.RpcError:
            return Answer(made.code(), made.details(), tuple(responses))
        return Answer(made.code(), made.details(), tuple(responses))

    def ask(self, path: str, request: Message) -> Message:
        """One answer for the operator, which must be OK."""
        answer = self.call("Operator", method_of(path), request)
        assert answer.code is grpc.StatusCode.OK, f"{path}: {answer.code}: {answer.details}"
        return answer.responses[0]

    def state(self) -> tuple[object, ...]:
        """All that is kept: any write moves the store's revision."""
        kept = (
            self.ask("/tulle.v1.Policy/List", policy_pb2.ListRequest()),
            self.ask("/tulle.v1.Policy/History", policy_pb2.HistoryRequest()),
            self.ask("/tulle.v1.Registry/ListInstances", registry_pb2.ListInstancesRequest()),
        )
        return (self._store_revision(), *kept)

    def token(self) -> identity_pb2.JoinToken:
        request = identity_pb2.CreateTokenRequest(service=SERVICE)
        made = self.ask("/tulle.v1.Identity/CreateToken", request)
        assert isinstance(made, identity_pb2.CreateTokenResponse)
        return decode_token(made.token)

    def connect(self, caller: str, root: bytes, chain: bytes, key: bytes) -> grpc.Channel:
        options: Sequence[tuple[str, str | int]] = (*TARGET, ("grpc.use_local_subchannel_pool", 1))
        tls = grpc.ssl_channel_credentials(root, key, chain)
        self.callers[caller] = grpc.secure_channel(self.addresses.address, tls, options)
        return self.callers[caller]

    def _store_revision(self) -> str:
        with urllib.request.urlopen(f"http://{self.addresses.admin}/metrics", timeout=PATIENCE) as page:
            lines = str(page.read().decode()).splitlines()
        return next(line for line in lines if line.startswith("tulle_control_plane_revision"))


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve until the block ends."""
    clock, complaints, ready = HandClock(), Complaints(), threading.Event()
    found: list[Addresses] = []
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    config = ControlPlaneConfig(folder, TRUST_DOMAIN, HostPort("127.0.0.1", 0))

    def tell(addresses: Addresses) -> None:
        found.append(addresses)
        ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(config, tell, stop, clock)))
    logging.getLogger().addHandler(complaints)
    thread.start()
    try:
        assert ready.wait(PATIENCE), complaints.lines
        running = Served(found[0], clock, complaints)
        _let_in(running)
        yield running
        for channel in running.callers.values():
            channel.close()
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        loop.close()
        logging.getLogger().removeHandler(complaints)


def _let_in(running: Served) -> None:
    """An operator, a workload with its SVID, and one that has a token alone."""
    text = running.addresses.operator_credential.read_text()
    operator = Parse(text, identity_pb2.OperatorCredential())
    pems = (operator.root_pem, operator.certificate_pem, operator.key_pem)
    running.connect("Operator", *(pem.encode() for pem in pems))
    token, key = running.token(), new_key()
    joiner = running.connect("Joiner", token.root_pem, token.certificate_pem, token.key_pem)
    request = identity_pb2.JoinRequest(secret=token.secret, csr_der=make_csr(key))
    svid = identity_pb2_grpc.IdentityStub(joiner).Join(request, timeout=PATIENCE)
    running.connect("Workload", token.root_pem, svid.chain_pem, key_pem(key))
