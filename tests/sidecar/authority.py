"""A workload CA for tests: signs what the other side of the wire would."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protos import names
from protos.tulle.v1 import identity_pb2

TRUST_DOMAIN = "shop.local"
HOUR = timedelta(hours=1)
Key = ec.EllipticCurvePrivateKey
Public = ec.EllipticCurvePublicKey


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def csr_der(key: Key) -> bytes:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return request.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


class Authority:
    """One root."""

    def __init__(self) -> None:
        self._key = new_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "workloads of a test")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        built = self._builder(self._key.public_key(), HOUR, self._name).add_extension(constraints, critical=True)
        self.root = built.add_extension(_usage(signs=True), critical=True).sign(self._key, hashes.SHA256())

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def svid(self, csr: bytes, spiffe_id: str, life: timedelta = HOUR) -> bytes:
        """A leaf (PEM) for the key of `csr`."""
        public = x509.load_der_x509_csr(csr).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        return self.leaf(public, [x509.UniformResourceIdentifier(spiffe_id)], life)

    def leaf(
        self,
        public: Public,
        sans: list[x509.GeneralName],
        life: timedelta = HOUR,
        uses: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH),
    ) -> bytes:
        """A leaf (PEM), backdated 1 s, that ends `life` from now."""
        built = (
            self._builder(public, life, x509.Name([]))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectAlternativeName(sans), critical=True)
        )
        return built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def server(self) -> tuple[bytes, bytes]:
        """The control plane's own key and certificate (PEM)."""
        key = new_key()
        spiffe_id = x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}/tulle/control-plane")
        sans = [spiffe_id, x509.DNSName(names.CONTROL_PLANE_NAME)]
        return key_pem(key), self.leaf(key.public_key(), sans, uses=[ExtendedKeyUsageOID.SERVER_AUTH])

    def token(self, service: str, control_plane: str, life: timedelta = HOUR) -> identity_pb2.JoinToken:
        """A join token's content."""
        key = new_key()
        spiffe_id = x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}{names.JOIN_PATH}")
        return identity_pb2.JoinToken(
            secret=b"a secret good once",
            service=service,
            control_plane=control_plane,
            root_pem=self.root_pem,
            certificate_pem=self.leaf(key.public_key(), [spiffe_id], life),
            key_pem=key_pem(key),
        )

    def _builder(self, public: Public, life: timedelta, subject: x509.Name) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        begin = min(now, now + life) - timedelta(seconds=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(now + life)
        )


def text(token: identity_pb2.JoinToken) -> str:
    """What `--token` takes."""
    return base64.urlsafe_b64encode(token.SerializeToString()).rstrip(b"=").decode()


def public_key(pem: bytes) -> bytes:
    """Of a certificate, DER."""
    return (
        x509.load_pem_x509_certificate(pem).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
