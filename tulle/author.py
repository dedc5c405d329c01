"""Who writes: the name that history shows."""

import getpass
import socket


def name_of(given: str | None) -> str:
    """`given`, else "user@host"."""
    if given:
        return given
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"  # a container's user without a name
    return f"{user}@{socket.gethostname()}"
