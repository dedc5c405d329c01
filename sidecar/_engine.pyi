"""The data plane. Built from `engine/python`; only `sidecar.engine` imports it.

No method attaches an engine thread to the interpreter; every call that may block detaches from it.
"""

from typing import final

__all__ = [
    "Engine",
    "EngineError",
    "InvalidConfig",
    "InvalidIdentity",
    "InvalidSnapshot",
    "ListenFailed",
    "__version__",
    "otlp_metrics",
    "otlp_spans",
]

__version__: str

def otlp_metrics(telemetry: bytes, facts: bytes) -> bytes:
    """A serialized Telemetry (and OtlpFacts) as OTLP's ExportMetricsServiceRequest. Raises EngineError: undecodable."""

def otlp_spans(telemetry: bytes, facts: bytes) -> bytes:
    """The spans of a serialized Telemetry as OTLP's ExportTraceServiceRequest. Raises EngineError: undecodable."""

class EngineError(Exception):
    """A refusal by the engine: one lower-case line with cause and remedy."""

class InvalidConfig(EngineError):
    """A field of EngineConfig is wrong; the text names it."""

class InvalidSnapshot(EngineError):
    """A snapshot was refused whole and the last one stays in force.

    args[0] is the detail, args[1] the resource ("cluster:shop/payments").
    """

class InvalidIdentity(EngineError):
    """A certificate chain or bundle does not fit the key, the SPIFFE rules or one another; the last identity stays."""

class ListenFailed(EngineError):
    """An address cannot be bound; the text names the field of EngineConfig, the address and the cause."""

@final
class Engine:
    """One data plane: listeners, workers, policy in force."""

    def __new__(cls, config: bytes) -> Engine:
        """Check `config` (a serialized EngineConfig) and load a stored identity, if any. Raises InvalidConfig."""

    def start(self) -> bytes:
        """Bind the listeners and start the workers; returns serialized EngineAddresses. Raises ListenFailed."""

    def apply(self, snapshot: bytes) -> None:
        """Put a serialized Snapshot in force for new calls, whole or not at all. Raises InvalidSnapshot."""

    def use_application(self, address: str) -> None:
        """Dial the application at `address` ("ip:port") from now on: one of those that EngineConfig names. Calls in
        flight stay where they are. Raises InvalidConfig: it is none of these."""

    def create_csr(self) -> bytes:
        """Make a new P-256 key, kept pending in memory, and return a PKCS#10 request (DER) signed by it."""

    def set_identity(self, chain_pem: bytes, bundle_pem: bytes) -> None:
        """Put the pending key (or the key in force, where the chain fits that) with its chain and bundle in force for
        new handshakes and store all three in identity_dir. Connections stay. Raises InvalidIdentity."""

    def identity(self) -> tuple[str, int] | None:
        """The SPIFFE id in force and the end of its leaf's life (Unix seconds), or None."""

    def drain_telemetry(self, spans: bool) -> tuple[bytes, int]:
        """A serialized Telemetry: cumulative counters, and, where `spans` asks for them, the spans that wait, which are
        handed over once. With it how many waited (at most 512; more are dropped and counted)."""

    def drain_events(self) -> bytes:
        """A serialized EngineEvents: what the engine did by itself since the last time, each event once, at most 10 a
        second of each reason and the rest counted; b"" where nothing happened."""

    def post(self, address: str, method: str, request: bytes, timeout_seconds: float) -> None:
        """A unary gRPC call to the control plane at `address` ("host:port"), shown the identity in force; `method` is
        "/package.Service/Method". Blocks for at most `timeout_seconds` (0 to 120) and, where `address` is a name, while
        the system looks it up.

        The connection stays for the next call. Where it was closed meanwhile the call is made once more on a new one: a
        request arrives at least once. Raises EngineError."""

    def describe(self) -> str:
        """What is in force, as JSON: addresses, identity, revision, limits, services, endpoints with their states."""

    def drain(self) -> None:
        """Begin a graceful stop of the inbound side: two-phase GOAWAY, calls in flight go on, no new connections."""

    def shutdown(self, grace_seconds: float) -> bool:
        """Drain both sides, then stop; True when every call ended within `grace_seconds` (0 to 120). Idempotent."""
