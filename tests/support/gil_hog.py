"""The command line with one more thread: on SIGUSR2 it holds the interpreter's lock for ten seconds.

`python -m tests.support.gil_hog sidecar …`. A C call through ctypes.PyDLL does not let the lock go, so no Python of
this process runs meanwhile: what still works then is the engine alone.
"""

import ctypes
import os
import signal
import threading

from tulle.main import main

SECONDS = 10


def hold(asked: threading.Event) -> None:
    asked.wait()
    os.write(1, b"holding\n")
    ctypes.PyDLL(None).sleep(SECONDS)
    os.write(1, b"released\n")


if __name__ == "__main__":
    event = threading.Event()
    signal.signal(signal.SIGUSR2, lambda *_: event.set())
    threading.Thread(target=hold, args=(event,), daemon=True).start()
    main()
