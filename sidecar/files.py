"""Writing a file so that a crash leaves the old text or the new, never half."""

import os
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Write `data` to `path`, mode 0600, durably and at once."""
    following = path.with_name(path.name + ".next")
    descriptor = os.open(following, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    following.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
