"""The sidecar's folder: identity, last good snapshot, instance id, the control plane's address; for one process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from sidecar.config import SETTINGS
from sidecar.errors import ForeignStateError
from sidecar.files import replace

IDENTITY = "identity"
SNAPSHOT = "snapshot.pb"
_INSTANCE = "instance"
_CONTROL_PLANE = "control-plane"
_LOCK = "lock"


class State:
    """A folder with mode 0700, held by a lock between entering and leaving."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: int | None = None

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ForeignStateError(f"{SETTINGS['state_dir']}: {self.folder} cannot be used: {error}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._unlock()
            raise ForeignStateError(
                f"{SETTINGS['state_dir']}: {self.folder} is in use by another sidecar; give each a folder of its own"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unlock()

    @property
    def identity_dir(self) -> Path:
        """Where the engine keeps key, chain and bundle."""
        return self.folder / IDENTITY

    def instance(self, given: str | None, service: str) -> str:
        """The id given, the one kept, or one made now: a restart replaces its own registration."""
        kept = self._read(_INSTANCE)
        instance = given or kept or f"{service.rpartition('/')[2]}-{uuid4().hex[:10]}"
        if instance != kept:
            replace(self.folder / _INSTANCE, instance.encode())
        return instance

    def control_plane(self) -> str | None:
        """The address that the join went to."""
        return self._read(_CONTROL_PLANE)

    def remember_control_plane(self, address: str) -> None:
        """Keep `address` for starts without flag and token."""
        replace(self.folder / _CONTROL_PLANE, address.encode())

    def _read(self, name: str) -> str | None:
        try:
            return (self.folder / name).read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
