"""The certificate authority: two roots, made on first start, and everything that is issued under them.

The *workload* root is what sidecars trust: it signs SVIDs and the control plane's server certificate. The *access*
root signs clients of the control plane that are no workloads, operators and join tokens, so that no sidecar ever takes
one of them for a peer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from control_plane.clock import Clock
from control_plane.errors import InvalidError, StartError
from control_plane.identity.certificate import (
    CLIENT,
    SERVER,
    KeyPair,
    LeafLifetime,
    LeafNames,
    make_leaf,
    make_root,
    new_key,
    spiffe_id_of,
)
from control_plane.private_files import private_folder, write_private
from control_plane.workload import WorkloadRef
from protos import names

SERVER_LIFETIME: Final = timedelta(days=365)
OPERATOR_LIFETIME: Final = timedelta(days=365)
LARGEST_CSR: Final = 8 * 1024
CONTROL_PLANE_PATH: Final = "/tulle/control-plane"


class InvalidCsrError(InvalidError):
    """A certificate signing request that is no PKCS#10, not signed by its own key, or of another kind of key."""


class RootError(StartError):
    """The roots on disk cannot be used."""


@dataclass(frozen=True, slots=True)
class Svid:
    """A leaf for a workload; the key never was here."""

    spiffe_id: str
    chain_pem: bytes
    not_after: datetime


class Authority:
    """Issues under both roots. The requester's key is all that it takes from a request."""

    def __init__(self, workload: KeyPair, access: KeyPair, trust_domain: str, lifetime: LeafLifetime) -> None:
        self._workload = workload
        self._access = access
        self._trust_domain = trust_domain
        self._lifetime = lifetime

    @classmethod
    def open(cls, folder: Path, trust_domain: str, lifetime: LeafLifetime, clock: Clock) -> Self:
        """Read the roots in `folder`, or make them where there are none. RootError, FolderError."""
        private_folder(folder)
        workload = _root(folder, "workload", trust_domain, clock.now())
        access = _root(folder, "access", trust_domain, clock.now())
        return cls(workload, access, trust_domain, lifetime)

    @property
    def bundle_pem(self) -> bytes:
        """Every root that sidecars trust now."""
        return self._workload.certificate_pem

    @property
    def clients_pem(self) -> bytes:
        """Every root that signs clients of the control plane."""
        return self._workload.certificate_pem + self._access.certificate_pem

    def signed_workload(self, certificate: x509.Certificate) -> bool:
        return _issued(certificate, self._workload.certificate)

    def signed_access(self, certificate: x509.Certificate) -> bool:
        return _issued(certificate, self._access.certificate)

    def issue_svid(self, ref: WorkloadRef, csr_der: bytes, now: datetime) -> Svid:
        """An SVID for `ref` on the request's key; whatever names the request asks for are ignored. InvalidCsrError."""
        public_key = check_csr(csr_der)
        leaf_names = LeafNames(ref.spiffe_id, (SERVER, CLIENT))
        leaf = make_leaf(self._workload, public_key, leaf_names, now, self._lifetime.value)
        return Svid(ref.spiffe_id, leaf.public_bytes(Encoding.PEM), leaf.not_valid_after_utc)

    def issue_operator(self, now: datetime) -> KeyPair:
        return self._issue_access(names.OPERATOR_PATH, now, OPERATOR_LIFETIME)

    def issue_joiner(self, now: datetime, lifetime: timedelta) -> KeyPair:
        return self._issue_access(names.JOIN_PATH, now, lifetime)

    def issue_server(self, now: datetime, hosts: tuple[str, ...]) -> KeyPair:
        """The control plane's own certificate: for servers only, so that it opens nothing as a client."""
        others = (x509.DNSName(names.CONTROL_PLANE_NAME), *(_host_name(host) for host in hosts))
        leaf_names = LeafNames(f"spiffe://{self._trust_domain}{CONTROL_PLANE_PATH}", (SERVER,), others)
        key = new_key()
        return KeyPair(make_leaf(self._workload, key.public_key(), leaf_names, now, SERVER_LIFETIME), key)

    def _issue_access(self, path: str, now: datetime, lifetime: timedelta) -> KeyPair:
        key = new_key()
        leaf_names = LeafNames(f"spiffe://{self._trust_domain}{path}", (CLIENT,))
        return KeyPair(make_leaf(self._access, key.public_key(), leaf_names, now, lifetime), key)


def check_csr(csr_der: bytes) -> ec.EllipticCurvePublicKey:
    """The key that the request is for and signed by; InvalidCsrError."""
    if len(csr_der) > LARGEST_CSR:
        raise InvalidCsrError(f"csr_der has {len(csr_der)} bytes, over the maximum of {LARGEST_CSR}")
    try:
        request = x509.load_der_x509_csr(csr_der)
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise InvalidCsrError(
            "csr_der is no PKCS#10 request", hint="send a DER request for an ECDSA P-256 key"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidCsrError("csr_der is for another kind of key", hint="make an ECDSA P-256 key")
    if not signed:
        raise InvalidCsrError("csr_der is not signed by its own key")
    return key


def _root(folder: Path, name: str, trust_domain: str, now: datetime) -> KeyPair:
    certificate, key = folder / f"{name}-root.pem", folder / f"{name}-root.key"
    if not certificate.exists():
        root = make_root(f"{name} root of {trust_domain}", trust_domain, now)
        write_private(key, root.key_pem)
        # The certificate last: a crash in between leaves a key that nothing was signed with, and is made anew.
        write_private(certificate, root.certificate_pem)
    try:
        root = KeyPair.from_pem(certificate.read_bytes(), key.read_bytes())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RootError(f"cannot use the {name} root in {folder}: {error}", hint="restore it from a backup") from error
    _check_root(root, folder, trust_domain, now)
    return root


def _check_root(root: KeyPair, folder: Path, trust_domain: str, now: datetime) -> None:
    found = spiffe_id_of(root.certificate)
    if found != f"spiffe://{trust_domain}":
        raise RootError(
            f"the roots in {folder} are those of {found} and not of trust domain {trust_domain}",
            hint="start with the trust domain they were made for, or with another data folder",
        )
    if root.certificate.not_valid_after_utc <= now:
        raise RootError(
            f"a root in {folder} has expired", hint="start with a new data folder and join every sidecar again"
        )


def _issued(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
