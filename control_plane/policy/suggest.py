""" "Did you mean": the nearest of the names that would have been right."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A hint: the nearest name, else the names there are (at most ten), else nothing."""
    names = sorted(set(known))
    folded = {name.lower(): name for name in names}
    near = get_close_matches(given.lower(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    if not names:
        return ""
    if len(names) == 1:
        return f"use {names[0]!r}"
    return f"known here: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}"
