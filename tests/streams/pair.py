"""Where the streams run: an application and a caller, a sidecar beside each, mTLS between."""

from dataclasses import dataclass

import grpc

from tests.conformance.lane import Lane
from tests.streams.application import MAX_MESSAGE, MAX_METADATA
from tests.support.mesh import NAMESPACE, Member
from tests.support.process import Child
from tests.support.waiting import until

NAME = "streams"


@dataclass(frozen=True)
class Pair:
    """`callee` stands beside the application, `caller` beside nothing."""

    lane: Lane
    callee: Member
    caller: Member

    def channel(self) -> grpc.Channel:
        """A connection of its own, through both sidecars."""
        return channel(str(self.caller.addresses["outbound"]), NAME)

    def direct(self) -> grpc.Channel:
        """A connection of its own, straight to the application."""
        return channel(f"127.0.0.1:{self.callee.application_port}", NAME)

    def ending(self, call_id: str) -> str:
        """How the call ended at the application, once it has."""
        lines = until(lambda: [line for line in self._record() if line[0] == call_id], f"the end of {call_id}")
        assert len(lines) == 1, f"{call_id} reached the application {len(lines)} times"
        return lines[0][1]

    def _record(self) -> list[list[str]]:
        path = self.callee.record
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def beside_an_application(lane: Lane) -> Member:
    """`tests.streams.application` and its sidecar; the mesh ends both."""
    record = lane.folder / f"{NAME}.record"
    application = Child.python(f"{NAME}-app", "tests.streams.application", ["--record", str(record)], lane.folder)
    try:
        callee = lane.beside(NAME, int(application.first_line().split()[1]))
    except BaseException:
        application.stop()
        raise
    callee.application, callee.record = application, record
    return callee


def channel(target: str, service: str) -> grpc.Channel:
    """A connection of its own that takes messages and trailers of any size."""
    options: list[tuple[str, str | int]] = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", MAX_MESSAGE),
        ("grpc.max_send_message_length", MAX_MESSAGE),
        ("grpc.max_metadata_size", MAX_METADATA),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
        ("grpc.default_authority", f"{service}.{NAMESPACE}"),
    ]
    return grpc.insecure_channel(target, options=options)
