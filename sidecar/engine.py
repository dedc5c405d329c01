"""The data plane, as the agent sees it: the only module that touches the extension.

Every verb that may wait (a disk, a worker) is a coroutine that runs it in a thread, so the agent stays responsive.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from protos.tulle.v1 import engine_pb2
from sidecar.config import SETTINGS
from sidecar.errors import EngineRefusedError, InvalidSettingError, SnapshotRefusedError

# EngineConfig's field -> the setting that filled it, so that a refusal names what the operator wrote.
_SETTING_OF = {
    "service": "service",
    "instance": "instance",
    "outbound_listen": "outbound",
    "inbound_listen": "inbound",
    "application": "application",
    "application_also": "application",
    "identity_dir": "state_dir",
    "workers": "workers",
    "upstream_ports": "upstream_ports",
    "limits": "limits",
}
_FIELD = "EngineConfig."


@dataclass(frozen=True, slots=True)
class InForce:
    """The identity in force: who, and until when (seconds since the epoch)."""

    spiffe_id: str
    not_after: int


class Identities(Protocol):
    """The part of the engine that holds the workload's key and certificates."""

    async def create_csr(self) -> bytes: ...
    async def set_identity(self, chain_pem: bytes, bundle_pem: bytes) -> None: ...
    def identity(self) -> InForce | None: ...


class Snapshots(Protocol):
    """The part of the engine that takes policy."""

    async def apply(self, snapshot: bytes) -> None: ...


class Posting(Protocol):
    """The part of the engine that calls the control plane."""

    def post(self, control_plane: str, method: str, request: bytes, timeout: timedelta) -> None: ...


class Engine:
    """A thin, typed wrapper; verbs and names are the extension's. Raises InvalidSettingError, EngineRefusedError."""

    def __init__(self, config: engine_pb2.EngineConfig) -> None:
        from sidecar import _engine

        self._extension = _engine
        try:
            self._engine = _engine.Engine(config.SerializeToString())
        except _engine.EngineError as error:
            raise _by_setting(error) from error

    @property
    def version(self) -> str:
        """Of engine and agent alike: they are built as one."""
        return self._extension.__version__

    async def start(self) -> engine_pb2.EngineAddresses:
        """Bind the listeners and start the workers. Raises InvalidSettingError naming the address's flag."""
        try:
            bound = await asyncio.to_thread(self._engine.start)
        except self._extension.EngineError as error:
            raise _by_setting(error) from error
        return engine_pb2.EngineAddresses.FromString(bound)

    async def apply(self, snapshot: bytes) -> None:
        """Put a serialized Snapshot in force, whole or not at all. Raises SnapshotRefusedError."""
        try:
            await asyncio.to_thread(self._engine.apply, snapshot)
        except self._extension.InvalidSnapshot as error:
            raise SnapshotRefusedError(str(error.args[0]), str(error.args[1])) from error
        except self._extension.EngineError as error:
            raise SnapshotRefusedError(str(error), "snapshot") from error

    def use_application(self, address: str) -> None:
        """Dial the application at `address` ("ip:port") for new connections. Raises EngineRefusedError."""
        try:
            self._engine.use_application(address)
        except self._extension.EngineError as error:
            raise EngineRefusedError(str(error)) from error

    async def create_csr(self) -> bytes:
        """A PKCS#10 request (DER) for a new key, which stays in the engine."""
        try:
            return await asyncio.to_thread(self._engine.create_csr)
        except self._extension.EngineError as error:
            raise EngineRefusedError(str(error)) from error

    async def set_identity(self, chain_pem: bytes, bundle_pem: bytes) -> None:
        """Put an SVID for the pending key in force for new handshakes; connections stay."""
        try:
            await asyncio.to_thread(self._engine.set_identity, chain_pem, bundle_pem)
        except self._extension.EngineError as error:
            raise EngineRefusedError(str(error)) from error

    def identity(self) -> InForce | None:
        """Who this workload is, if it has joined."""
        current = self._engine.identity()
        return None if current is None else InForce(*current)

    def drain_telemetry(self, *, spans: bool) -> tuple[bytes, int]:
        """Cumulative counters as a serialized Telemetry, and the number of spans that waited for a drain.

        Where `spans` asks for them they are in it, once; else they wait on. For a thread: it waits for a lock.
        """
        return self._engine.drain_telemetry(spans)

    def drain_events(self) -> bytes:
        """What the engine did by itself since the last time, as a serialized EngineEvents; each is handed over once.

        For a thread: it waits for a lock.
        """
        return self._engine.drain_events()

    def post(self, control_plane: str, method: str, request: bytes, timeout: timedelta) -> None:
        """Call a unary method ("/package.Service/Method") of the control plane ("host:port"), shown the SVID in force.

        The request arrives at least once where this returns. For a thread: it waits. Raises EngineRefusedError.
        """
        try:
            self._engine.post(control_plane, method, request, timeout.total_seconds())
        except self._extension.EngineError as error:
            raise EngineRefusedError(str(error)) from error

    async def describe(self) -> str:
        """What is in force, as JSON."""
        return await asyncio.to_thread(self._engine.describe)

    async def drain(self) -> None:
        """Begin a graceful stop of the inbound side."""
        await asyncio.to_thread(self._engine.drain)

    async def shutdown(self, grace_seconds: float) -> bool:
        """Stop; True when every call ended within `grace_seconds`."""
        return await asyncio.to_thread(self._engine.shutdown, grace_seconds)


def otlp_metrics(telemetry: bytes, facts: engine_pb2.OtlpFacts) -> bytes:
    """What was counted (a serialized Telemetry) as an ExportMetricsServiceRequest, cumulative since the start."""
    from sidecar import _engine

    return _engine.otlp_metrics(telemetry, facts.SerializeToString())


def otlp_spans(telemetry: bytes, facts: engine_pb2.OtlpFacts) -> bytes:
    """The spans of a serialized Telemetry as an ExportTraceServiceRequest."""
    from sidecar import _engine

    return _engine.otlp_spans(telemetry, facts.SerializeToString())


def _by_setting(error: Exception) -> InvalidSettingError | EngineRefusedError:
    text = str(error)
    for field, key in _SETTING_OF.items():
        if text.startswith(_FIELD + field):
            return InvalidSettingError(f"{SETTINGS[key]}{text.removeprefix(_FIELD + field)}")
    return EngineRefusedError(text)
