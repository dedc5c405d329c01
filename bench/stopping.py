"""SIGTERM ends a run as Ctrl-C does: what was started is stopped."""

import signal
import sys
from types import FrameType


def stops_in_order() -> None:
    """From now on SIGTERM unwinds the stack."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
