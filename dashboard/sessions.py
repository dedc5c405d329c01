"""The access token, and sessions as signed cookies: nothing to store, valid across a restart.

A session is ``expiry.nonce.signature``; its CSRF token is an HMAC of it, so that a cookie planted from a sibling
origin cannot be paired with a header (OWASP, signed double-submit cookie).
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dashboard.errors import BadSessionFile

SESSION_FILE = "dashboard-session.json"
SESSION_LIFE = timedelta(days=7)
_SECRET_BYTES = 32


@dataclass(frozen=True)
class SessionSecrets:
    """What the session file holds: the token that people paste and the key that signs cookies."""

    token: str
    key: bytes


class Sessions:
    """Issues and checks sessions. ``now`` gives seconds since the epoch."""

    def __init__(self, held: SessionSecrets, now: Callable[[], float]) -> None:
        self._held = held
        self._now = now

    @property
    def token(self) -> str:
        """The token of the sign-in link."""
        return self._held.token

    def accepts(self, token: str) -> bool:
        """True for the right token; compared in constant time."""
        return hmac.compare_digest(token.encode(), self._held.token.encode())

    def issue(self) -> str:
        """A new session, good for SESSION_LIFE."""
        expiry = int(self._now() + SESSION_LIFE.total_seconds())
        body = f"{expiry}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._sign('session', body)}"

    def valid(self, session: str) -> bool:
        """True for a session that this key signed and that has not expired."""
        body, _, signature = session.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()):
            return False
        expiry = body.partition(".")[0]
        return expiry.isdigit() and int(expiry) > self._now()

    def csrf(self, session: str) -> str:
        """The CSRF token that belongs to this session alone."""
        return self._sign("csrf", session)

    def csrf_valid(self, session: str, token: str) -> bool:
        """True where the token belongs to the session; compared in constant time."""
        return hmac.compare_digest(token.encode(), self.csrf(session).encode())

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._held.key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def open_sessions(folder: Path, now: Callable[[], float]) -> Sessions:
    """Reads the session file of the folder, or makes it (0600 in a folder of 0700) with a new token.

    Raises:
        BadSessionFile: it is damaged, or others may read it.
    """
    path = folder / SESSION_FILE
    if not path.exists():
        _write_new(path)
    return Sessions(_read(path), now)


def _write_new(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = {"token": secrets.token_hex(_SECRET_BYTES), "key": secrets.token_hex(_SECRET_BYTES)}
    # Another process may have won the race: its file stands, and both read it.
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(held, file)
    try:
        os.link(fresh, path)
    except FileExistsError:
        return
    finally:
        fresh.unlink()


def _read(path: Path) -> SessionSecrets:
    if path.stat().st_mode & 0o077:
        raise BadSessionFile(path, "others may read it (its mode must be 0600)")
    try:
        held = json.loads(path.read_text())
        token, key = str(held["token"]), bytes.fromhex(held["key"])
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise BadSessionFile(path, "it is damaged") from cause
    if len(token) < _SECRET_BYTES or len(key) < _SECRET_BYTES:
        raise BadSessionFile(path, "its token or key is too short")
    return SessionSecrets(token, key)
