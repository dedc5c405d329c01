"""SIGTERM and SIGINT as one event."""

import asyncio
import signal


def stop_on_signals() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT that this process gets; further ones change nothing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
