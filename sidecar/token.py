"""Reading a join token: base64url, without padding, of a JoinToken."""

import base64
import binascii
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.message import DecodeError

from protos.tulle.v1 import identity_pb2
from sidecar.address import HostPort
from sidecar.config import SETTINGS, SidecarConfig, refuse
from sidecar.errors import InvalidTokenError

MAKE_ONE = "make one with `tulle token create`"


def given(config: SidecarConfig) -> str | None:
    """The token's text from flag, variable or file. Raises InvalidSettingError for an unreadable file."""
    if config.token_file is None:
        return config.token
    try:
        return Path(config.token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise refuse("token_file", f"{config.token_file} cannot be read: {error}") from error


def decode(text: str, service: str) -> identity_pb2.JoinToken:
    """The token for `service` ("namespace/name"). Raises InvalidTokenError: mangled, or for another service."""
    token = _parse(text)
    if token.service != service:
        raise InvalidTokenError(
            f"the join token is for {token.service}, while {SETTINGS['service']} says {service}; {MAKE_ONE} {service}"
        )
    return token


def check_expiry(token: identity_pb2.JoinToken, now: float) -> None:
    """Raises InvalidTokenError for an expired token.

    Asked when a join has failed: the handshake that an expired certificate ends could else mean anything. Not before,
    because a sidecar that joins well is spared the 9 MiB of this import for all its life.
    """
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(token.certificate_pem)
    except ValueError as error:
        raise InvalidTokenError(f"the join token's certificate cannot be read: {error}; {MAKE_ONE}") from error
    if certificate.not_valid_after_utc < datetime.fromtimestamp(now, UTC):
        raise InvalidTokenError(
            f"the join token expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC; {MAKE_ONE}"
        )


def _parse(text: str) -> identity_pb2.JoinToken:
    mangled = InvalidTokenError(f"{SETTINGS['token']}: the join token is mangled; copy it whole, or {MAKE_ONE}")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        token = identity_pb2.JoinToken.FromString(raw)
        HostPort.parse(token.control_plane)
    except (binascii.Error, ValueError, DecodeError) as error:
        raise mangled from error
    if not (token.secret and token.service and token.root_pem and token.certificate_pem and token.key_pem):
        raise mangled
    return token
