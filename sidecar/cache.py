"""The last good snapshot on disk, so that a sidecar starts and serves without a control plane."""

import logging
from pathlib import Path

from google.protobuf.message import DecodeError

from protos.tulle.v1 import snapshot_pb2
from sidecar.files import replace

log = logging.getLogger(__name__)


class SnapshotCache:
    """One file, replaced whole. A file that cannot be used counts as none: the control plane sends another."""

    def __init__(self, path: Path, service: str) -> None:
        self._path = path
        self._service = service

    def store(self, snapshot: bytes) -> None:
        """Keep `snapshot`, which the engine has taken."""
        replace(self._path, snapshot)

    def load(self) -> snapshot_pb2.Snapshot | None:
        """The snapshot kept for this service, if any."""
        try:
            snapshot = snapshot_pb2.Snapshot.FromString(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, DecodeError) as error:
            log.warning("the cached snapshot %s cannot be read: %s; waiting for the control plane's", self._path, error)
            return None
        if snapshot.inbound.service not in ("", self._service):
            log.warning("the cached snapshot %s is for %s; it is not used", self._path, snapshot.inbound.service)
            return None
        return snapshot
