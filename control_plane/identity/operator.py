"""operator.json: what the command line and the dashboard show at the door, written on first start."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from google.protobuf.json_format import MessageToJson, Parse, ParseError

from control_plane.identity.authority import Authority
from control_plane.identity.certificate import KeyPair
from control_plane.private_files import write_private
from protos import names
from protos.tulle.v1 import identity_pb2

RENEW_BEFORE: Final = timedelta(days=30)


def write_operator_credential(folder: Path, authority: Authority, control_plane: str, now: datetime) -> Path:
    """Write the file with the address of now; its certificate stays until it is not ours or near its end."""
    path = folder / names.OPERATOR_CREDENTIAL
    pair = _usable(path, authority, now) or authority.issue_operator(now)
    credential = identity_pb2.OperatorCredential(
        control_plane=control_plane,
        root_pem=authority.bundle_pem.decode(),
        certificate_pem=pair.certificate_pem.decode(),
        key_pem=pair.key_pem.decode(),
    )
    write_private(path, MessageToJson(credential, preserving_proto_field_name=True).encode())
    return path


def _usable(path: Path, authority: Authority, now: datetime) -> KeyPair | None:
    try:
        credential = Parse(path.read_bytes(), identity_pb2.OperatorCredential())
        pair = KeyPair.from_pem(credential.certificate_pem.encode(), credential.key_pem.encode())
    except (OSError, ParseError, ValueError, TypeError):
        return None
    fresh = pair.certificate.not_valid_after_utc - now > RENEW_BEFORE
    return pair if fresh and authority.signed_access(pair.certificate) else None
