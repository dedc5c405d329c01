"""The way to the control plane: one mTLS channel with the operator's credential."""

from pathlib import Path

import grpc
import grpc.aio
from google.protobuf import json_format

from dashboard.errors import BadCredential
from protos import names
from protos.tulle.v1.identity_pb2 import OperatorCredential

# A lost connection is noticed within 15 s and tried again at least every 2 s: the dashboard shows both.
_OPTIONS: list[tuple[str, str | int]] = [
    ("grpc.ssl_target_name_override", names.CONTROL_PLANE_NAME),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.min_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 32 * 1024 * 1024),
    ("grpc.enable_http_proxy", 0),
]


def read_credential(path: Path) -> OperatorCredential:
    """The operator's credential.

    Raises:
        BadCredential: the file is missing, unreadable, no such JSON, or lacks a field.
    """
    try:
        credential = json_format.Parse(path.read_text(), OperatorCredential())
    except OSError as cause:
        raise BadCredential(path, (cause.strerror or "unreadable").lower()) from cause
    except (json_format.ParseError, UnicodeDecodeError) as cause:
        raise BadCredential(path, "is not the JSON of an operator credential") from cause
    for field in ("control_plane", "root_pem", "certificate_pem", "key_pem"):
        if not getattr(credential, field):
            raise BadCredential(path, f"its field {field} is empty")
    return credential


def open_channel(credential: OperatorCredential) -> grpc.aio.Channel:
    """A channel that connects by itself and again; close it when done."""
    tls = grpc.ssl_channel_credentials(
        root_certificates=credential.root_pem.encode(),
        private_key=credential.key_pem.encode(),
        certificate_chain=credential.certificate_pem.encode(),
    )
    return grpc.aio.secure_channel(credential.control_plane, tls, options=_OPTIONS)
