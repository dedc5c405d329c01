"""Files that only their owner may read."""

import os
from pathlib import Path
from typing import Final

from control_plane.errors import StartError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class FolderError(StartError):
    """A folder for secrets cannot be made, or others may enter it."""


def private_folder(path: Path) -> Path:
    """Make the folder, or check that an existing one is its owner's alone; FolderError."""
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        mode = path.stat().st_mode
    except OSError as error:
        raise FolderError(f"cannot use folder {path}: {error.strerror}", hint="choose another data folder") from error
    if mode & 0o077:
        raise FolderError(f"others may enter {path}, which holds keys", hint=f"chmod 700 {path}")
    return path


def write_private(path: Path, content: bytes) -> None:
    """Write whole or not at all, durable when this returns; never readable by others, not even for a moment."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
