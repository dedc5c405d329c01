"""Lists of metadata over a limit: how many fields, and the bytes of each value."""

import re
from typing import Final

KIB = 1024
LISTS: Final = {
    "20 KiB": (1, 20 * KIB),
    "64 KiB": (1, 64 * KIB),
    "256 KiB": (1, 256 * KIB),
    "900 KiB": (1, 900 * KIB),
    "200 fields": (200, 8),
    "20,000 fields": (20_000, 1),
}
SIZES: Final = {name: size for name, (count, size) in LISTS.items() if count == 1}
NAME = "x-long"
OWN = "the application's own words"
FAILED_PRECONDITION = 9
_LIMIT = re.compile(r"\b(16384|16,384|16 KiB|128)\b")


def refusal(code: str, text: str) -> tuple[str, bool]:
    """The code, and whether the text names a limit by its number."""
    return code, bool(_LIMIT.search(text))
