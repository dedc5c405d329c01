"""What the command line can end with, each cause with its code, exit code and remedy.

TulleError
  UsageProblem       2  usage         a flag, variable or setting is wrong; its text names it
  Unreachable        3  unreachable   nobody answers at the control plane's address
  Conflict           4  conflict      somebody else wrote first
  Refused            1  refused       the control plane knows the caller and says no
  NotFound           1  not_found     what was named does not exist
  InvalidPolicy      1  invalid       documents are wrong; one line a problem
  MissingTool        1  missing_tool  a program that this needs is not on PATH
  NotStarted         1  not_started   a process could not be started or did not become ready
  CheckFailed        1  check_failed  what was asked to be checked is not so
"""

from collections.abc import Sequence
from typing import ClassVar


class TulleError(Exception):
    """One line for people: cause, and a hint what to do. Lower case, no full stop."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    default_hint: ClassVar[str] = ""

    def __init__(self, cause: str, hint: str | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.hint = self.default_hint if hint is None else hint

    def lines(self) -> list[str]:
        """What stderr shows."""
        hint = f" ({self.hint})" if self.hint else ""
        return [f"error[{self.code}]: {self.cause}{hint}"]


class UsageProblem(TulleError):
    """A flag, variable or setting is wrong; the text names it."""

    code = "usage"
    exit_code = 2


class Unreachable(TulleError):
    """Nobody answers at the control plane's address."""

    code = "unreachable"
    exit_code = 3
    default_hint = "start it with 'tulle control-plane', or name another credential with --credentials"


class Conflict(TulleError):
    """Somebody else wrote first."""

    code = "conflict"
    exit_code = 4
    default_hint = "read the documents again, then repeat the command"


class Refused(TulleError):
    """The control plane knows the caller and says no."""

    code = "refused"


class NotFound(TulleError):
    """What was named does not exist."""

    code = "not_found"
    default_hint = "'tulle get' lists what there is"


class InvalidPolicy(TulleError):
    """Documents are wrong; one line a problem, nothing was written."""

    code = "invalid"

    def __init__(self, problems: Sequence[str], omitted: int = 0) -> None:
        """`omitted`: how many problems there are beside those."""
        count = len(problems) + omitted
        beyond = f", {omitted} of them not shown" if omitted else ""
        super().__init__(f"{count} problem{'s' * (count != 1)}{beyond}, nothing was written")
        self.problems = tuple(problems)

    def lines(self) -> list[str]:
        """The problems first, then the sum."""
        return [*self.problems, *super().lines()]


class MissingTool(TulleError):
    """A program that this needs is not on PATH; the hint says how it is installed."""

    code = "missing_tool"


class NotStarted(TulleError):
    """A process could not be started, or did not become ready."""

    code = "not_started"


class CheckFailed(TulleError):
    """What was asked to be checked is not so."""

    code = "check_failed"
