"""What is said again and again is logged at once when it is new, and then once a minute."""

from typing import Final

_AGAIN_SECONDS: Final = 60.0
# Sentences that differ each time must not fill a log either.
_MOST: Final = 8


class Telling:
    """Which sentences were said within the last minute."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def due(self, sentence: str, now: float) -> bool:
        """Whether to say it now (in seconds, of any clock); it then counts as said."""
        self._said = {said: at for said, at in self._said.items() if 0 <= now - at < _AGAIN_SECONDS}
        if sentence in self._said or len(self._said) >= _MOST:
            return False
        self._said[sentence] = now
        return True

    def forget(self) -> None:
        """What comes next is new."""
        self._said.clear()
