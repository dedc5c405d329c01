"""Certificates as X.509-SVIDs: what stands in a root and in a leaf, and nothing that a requester could ask for.

Rules: SPIFFE X.509-SVID (https://spiffe.io/docs/latest/spiffe-specs/x509-svid/) sections 2 to 4: exactly one URI SAN;
a leaf is no CA, has digitalSignature and neither keyCertSign nor cRLSign; a signing certificate has keyCertSign and an
id without a path. RFC 5280 section 4.2 for identifiers and criticality.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from control_plane.errors import InvalidError

BACKDATE: Final = timedelta(seconds=30)
"""For machines whose clocks run behind ours."""

ROOT_LIFETIME: Final = timedelta(days=3650)
SHORTEST_LEAF: Final = timedelta(seconds=60)
LONGEST_LEAF: Final = timedelta(days=30)
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH


class InvalidLifetimeError(InvalidError):
    """A leaf that would live too short to be renewed in time, or too long to be forgotten."""


@dataclass(frozen=True, slots=True)
class LeafLifetime:
    """60 s to 30 days."""

    value: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if not SHORTEST_LEAF <= self.value <= LONGEST_LEAF:
            raise InvalidLifetimeError(
                f"a certificate lifetime of {self.value.total_seconds():g} s is not allowed",
                hint="use 60 s to 30 days",
            )


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and the key it certifies."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def from_pem(cls, certificate_pem: bytes, key_pem: bytes) -> Self:
        """ValueError for anything but a certificate and its own EC key."""
        key = load_pem_private_key(key_pem, None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError("the key does not belong to the certificate")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class LeafNames:
    """What a leaf says about its holder: one SPIFFE id, further names, and what it may be used for."""

    spiffe_id: str
    usages: tuple[x509.ObjectIdentifier, ...]
    others: tuple[x509.GeneralName, ...] = ()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def make_root(name: str, trust_domain: str, now: datetime) -> KeyPair:
    """A new self-signed root, valid ten years from `now`."""
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tulle"), _common_name(name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _validity(now, now + ROOT_LIFETIME)
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectAlternativeName([_uri(f"spiffe://{trust_domain}")]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return KeyPair(builder.sign(key, hashes.SHA256()), key)


def make_leaf(
    root: KeyPair, public_key: ec.EllipticCurvePublicKey, names: LeafNames, now: datetime, lifetime: timedelta
) -> x509.Certificate:
    """A leaf under `root`, backdated, never outliving the root."""
    issuer_id = root.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    ends = min(now + lifetime, root.certificate.not_valid_after_utc)
    builder = (
        _validity(now, ends)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tulle")]))
        .issuer_name(root.certificate.subject)
        .public_key(public_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(names.usages), critical=False)
        .add_extension(x509.SubjectAlternativeName([_uri(names.spiffe_id), *names.others]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False)
    )
    return builder.sign(root.key, hashes.SHA256())


def spiffe_id_of(certificate: x509.Certificate) -> str | None:
    """The one URI among the names; None where there is none or more than one (X.509-SVID section 2)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if len(uris) == 1 else None


def _validity(now: datetime, ends: datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - BACKDATE).not_valid_after(ends)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(NameOID.COMMON_NAME, name)


def _uri(value: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(value)
