"""One CA and a leaf for each side, ECDSA P-256 as the mesh's own: what the peers' mTLS is configured with."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER_NAME = "echo.bench"
TRUST_DOMAIN = "tulle.local"
SERVER_ID = f"spiffe://{TRUST_DOMAIN}/bench/echo"
CLIENT_ID = f"spiffe://{TRUST_DOMAIN}/bench/load"
DAY = datetime.timedelta(days=1)
_AUTHORITY = "bench root"


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files; `*_pair` holds chain and key in one file, as HAProxy wants it."""

    root: Path
    server: Path
    server_key: Path
    server_pair: Path
    client: Path
    client_key: Path
    client_pair: Path


def make(folder: Path) -> Certificates:
    """Write a new CA (root.pem, root.key) and both leaves into `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        _builder(_AUTHORITY, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "root.pem").write_bytes(_pem(authority))
    (folder / "root.key").write_bytes(_private(key))
    for side, identity in (("server", SERVER_ID), ("client", CLIENT_ID)):
        _leaf(folder, side, identity)
    return Certificates(
        root=folder / "root.pem",
        server=folder / "server.pem",
        server_key=folder / "server.key",
        server_pair=folder / "server.pair",
        client=folder / "client.pem",
        client_key=folder / "client.key",
        client_pair=folder / "client.pair",
    )


def sign(folder: Path, request: x509.CertificateSigningRequest) -> bytes:
    """A server's leaf (PEM) for the key of `request`, by the CA that `make` has put into `folder`."""
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError(f"the request's key is a {type(key).__name__}; an elliptic curve's is needed")
    return _pem(_signed(folder, "bench server", SERVER_ID, key))


def _leaf(folder: Path, side: str, identity: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _pem(_signed(folder, f"bench {side}", identity, key.public_key()))
    (folder / f"{side}.pem").write_bytes(certificate)
    (folder / f"{side}.key").write_bytes(_private(key))
    (folder / f"{side}.pair").write_bytes(certificate + _private(key))


def _signed(folder: Path, subject: str, identity: str, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
    authority = serialization.load_pem_private_key((folder / "root.key").read_bytes(), None)
    if not isinstance(authority, ec.EllipticCurvePrivateKey):
        raise TypeError("root.key is no elliptic curve's")
    names = [
        x509.DNSName(SERVER_NAME),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.UniformResourceIdentifier(identity),
    ]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        _builder(subject, key)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .sign(authority, hashes.SHA256())
    )


def _builder(subject: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(_AUTHORITY))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
