"""The operator's credential: where it is looked for, and what it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format

from protos import names
from protos.tulle.v1 import identity_pb2
from tulle.errors import UsageProblem
from tulle.settings import user_folder

PROJECT_FOLDER = Path(".tulle") / "control-plane"


@dataclass(frozen=True, slots=True)
class Credential:
    """An address and what proves to it that an operator calls."""

    file: Path
    control_plane: str
    root_pem: bytes
    certificate_pem: bytes
    key_pem: bytes


def find(given: Path | None, here: Path, environ: Mapping[str, str]) -> Path:
    """`given` (flag, TULLE_CREDENTIALS or settings), else the project's file, else the user's. Raises UsageProblem."""
    if given is not None:
        if not given.is_file():
            raise UsageProblem(
                f"--credentials {given}: no such file", "'tulle control-plane' writes one when it starts"
            )
        return given
    places = [here / PROJECT_FOLDER / names.OPERATOR_CREDENTIAL, user_folder(environ) / names.OPERATOR_CREDENTIAL]
    for place in places:
        if place.is_file():
            return place
    cause = "no operator credential: neither " + " nor ".join(str(place) for place in places) + " is there"
    raise UsageProblem(
        cause, "start 'tulle control-plane' here, or name a file with --credentials or TULLE_CREDENTIALS"
    )


def read(file: Path, address: str | None) -> Credential:
    """The file's content; `address` goes before the address in it. Raises UsageProblem naming the file."""
    try:
        parsed = json_format.Parse(file.read_bytes(), identity_pb2.OperatorCredential(), ignore_unknown_fields=True)
    except (OSError, json_format.ParseError, UnicodeDecodeError) as error:
        cause = " ".join(str(error).split())
        raise UsageProblem(
            f"--credentials {file}: {cause}", "take the operator.json that the control plane wrote"
        ) from error
    target = address or parsed.control_plane
    for field, value in (("controlPlane", target), ("rootPem", parsed.root_pem), ("keyPem", parsed.key_pem)):
        if not value:
            raise UsageProblem(
                f"--credentials {file}: {field} is missing", "take the file that the control plane wrote"
            )
    return Credential(file, target, parsed.root_pem.encode(), parsed.certificate_pem.encode(), parsed.key_pem.encode())
