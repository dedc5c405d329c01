"""Durations on flags, as policy writes them: 250ms, 2s, 1m30s, 1h."""

import re
from datetime import timedelta

from tulle.errors import UsageProblem

_WHOLE = re.compile(r"^([0-9]{1,5}(ms|h|m|s)){1,4}$")
_PART = re.compile(r"([0-9]{1,5})(ms|h|m|s)")
_UNITS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def parse_duration(flag: str, text: str, least: timedelta, most: timedelta) -> timedelta:
    """`text` within [least, most]. Raises UsageProblem naming `flag`. (Form: Gateway API, GEP-2257.)"""
    if not _WHOLE.fullmatch(text):
        raise UsageProblem(f"{flag} {text!r} is not a duration", "write it like 250ms, 2s or 1m30s")
    value = timedelta(milliseconds=sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
    if not least <= value <= most:
        raise UsageProblem(f"{flag} {text} is out of range", f"give {_words(least)} to {_words(most)}")
    return value


def _words(value: timedelta) -> str:
    seconds = value.total_seconds()
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"
