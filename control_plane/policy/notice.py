"""What whoever applies is told of documents that are taken all the same."""

from dataclasses import dataclass

from control_plane.policy.model import DocumentKey


@dataclass(frozen=True)
class Notice:
    """One line about these documents."""

    keys: frozenset[DocumentKey]
    text: str


def line(cause: str, hint: str) -> str:
    """Cause and remedy."""
    return f"{cause}; {hint}" if hint else cause
