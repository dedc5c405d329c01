"""An engine for tests of the agent alone: keeps keys and certificates for real, takes snapshots as it is told."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protos import names
from sidecar.engine import InForce
from sidecar.errors import EngineRefusedError, SnapshotRefusedError
from tests.sidecar.authority import Key, csr_der, key_pem, new_key, public_key


class StandInEngine:
    """Its identity is stored as the engine stores it."""

    def __init__(self, identity_dir: Path) -> None:
        self.identity_dir = identity_dir
        self.applied: list[bytes] = []
        self.refuse: dict[bytes, SnapshotRefusedError] = {}
        self._pending = new_key()
        self._in_force: InForce | None = None

    async def create_csr(self) -> bytes:
        self._pending = new_key()
        return csr_der(self._pending)

    async def set_identity(self, chain_pem: bytes, bundle_pem: bytes) -> None:
        if public_key(chain_pem) != public_key_of(self._pending):
            raise EngineRefusedError("the chain fits neither key")
        self.identity_dir.mkdir(mode=0o700, exist_ok=True)
        for name, data in (
            (names.IDENTITY_KEY, key_pem(self._pending)),
            (names.IDENTITY_CHAIN, chain_pem),
            (names.IDENTITY_BUNDLE, bundle_pem),
        ):
            (self.identity_dir / name).write_bytes(data)
        (self.identity_dir / names.IDENTITY_KEY).chmod(0o600)
        leaf = x509.load_pem_x509_certificate(chain_pem)
        sans = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uri = sans.get_values_for_type(x509.UniformResourceIdentifier)[0]
        self._in_force = InForce(uri, int(leaf.not_valid_after_utc.timestamp()))

    def identity(self) -> InForce | None:
        return self._in_force

    async def apply(self, snapshot: bytes) -> None:
        if snapshot in self.refuse:
            raise self.refuse[snapshot]
        self.applied.append(snapshot)


def public_key_of(key: Key) -> bytes:
    """DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
