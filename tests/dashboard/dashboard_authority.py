"""A certificate authority for tests: a root, the control plane's certificate, an operator's."""

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protos import names


@dataclass(frozen=True)
class Leaf:
    """PEM of a certificate and of its key."""

    certificate: bytes
    key: bytes


class Authority:
    """Issues leaves that live an hour."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.root = _pem(builder.sign(self._key, hashes.SHA256()))

    def server(self) -> Leaf:
        """What the control plane shows."""
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return self._leaf([x509.DNSName(names.CONTROL_PLANE_NAME), x509.DNSName("localhost"), address])

    def operator(self) -> Leaf:
        """What an operator shows."""
        return self._leaf([x509.UniformResourceIdentifier(f"spiffe://tulle.local{names.OPERATOR_PATH}")])

    def _leaf(self, alternatives: list[x509.GeneralName]) -> Leaf:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        builder = _builder(subject, self._name, key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Leaf(_pem(builder.sign(self._key, hashes.SHA256())), private)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
