"""How much of a text a status may carry: gRPC clients refuse trailers over 8 KiB and then show nothing of them.

grpc-core: `grpc.max_metadata_size`, soft limit 8 KiB, hard limit 16 KiB, for all trailers together.
"""

from typing import Final

LONGEST_TEXT: Final = 1_000
"""Bytes of a status message as it is sent, percent-encoded."""
LONGEST_DETAIL: Final = 4_000
"""Bytes of the details of a status, before base64 makes them a third longer."""
_ESCAPED: Final = 3  # "%XX"
_CUT: Final = "…"


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """As much of the text as takes at most `longest` bytes percent-encoded, `…` where it was cut."""
    room = longest
    for place, char in enumerate(text):
        room -= _size(char)
        if room < 0:
            return _cut(text[:place], longest)
    return text


def _cut(text: str, longest: int) -> str:
    room = longest - _size(_CUT)
    while sum(map(_size, text)) > room:
        text = text[:-1]
    return text + _CUT


def _size(char: str) -> int:
    return 1 if " " <= char <= "~" and char != "%" else _ESCAPED * len(char.encode(errors="replace"))
