"""Asks the kernel that this process ends with its parent, then becomes the command.

Run as `python -I -S launcher.py PARENT_PID SIGNAL COMMAND…`, not imported: Python code between fork and exec in a
process with threads (preexec_fn) may deadlock; here it runs after exec, in a process of its own.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # prctl(2), Linux; kept across execve of a program that is not set-user-ID
CANNOT_EXECUTE = 126
NOT_FOUND = 127


def main(parent: int, signal_number: int, command: list[str]) -> None:
    """Never returns: becomes `command`, or ends with 126 or 127 and one line on stderr, as a shell does."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)  # the parent went before the request was made
    try:
        os.execvp(command[0], command)  # noqa: S606 - an argument list, no shell
    except FileNotFoundError:
        sys.stderr.write(f"error[not_started]: {command[0]}: no such command, or no such interpreter\n")
        sys.exit(NOT_FOUND)
    except OSError as error:
        sys.stderr.write(f"error[not_started]: {command[0]}: {error.strerror}\n")
        sys.exit(CANNOT_EXECUTE)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
