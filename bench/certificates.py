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
DAY = datetime.timedelta(days=1)


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
    """Write a new CA and both leaves into `folder`."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _builder("bench root", authority_key, "bench root").add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    (folder / "root.pem").write_bytes(_pem(authority.sign(authority_key, hashes.SHA256())))
    for side in ("server", "client"):
        _leaf(folder, side, authority_key)
    return Certificates(
        root=folder / "root.pem",
        server=folder / "server.pem",
        server_key=folder / "server.key",
        server_pair=folder / "server.pair",
        client=folder / "client.pem",
        client_key=folder / "client.key",
        client_pair=folder / "client.pair",
    )


def _leaf(folder: Path, side: str, authority_key: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(SERVER_NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _builder(f"bench {side}", key, "bench root")
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{side}.pem").write_bytes(_pem(certificate))
    (folder / f"{side}.key").write_bytes(private)
    (folder / f"{side}.pair").write_bytes(_pem(certificate) + private)


def _builder(subject: str, key: ec.EllipticCurvePrivateKey, issuer: str) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
