"""What is wrong with a document: where, why, and what to do about it.

`InvalidDocumentsError` is the only error that reading documents raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from control_plane.brevity import LONGEST_DETAIL, shortened
from control_plane.errors import AbsentError, ConflictError, InvalidError
from protos.tulle.v1 import policy_pb2

MAX_PROBLEMS: Final = 100
LONGEST_PART: Final = 600


@dataclass(frozen=True, order=True)
class Problem:
    """One line a problem. `line` is 1-based, 0 where the file as a whole is meant."""

    file: str
    line: int
    field: str
    cause: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        field = f" {self.field}:" if self.field else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{field} {self.cause}{hint}"

    def encode(self) -> policy_pb2.Problem:
        """The problem as it goes over the wire, each part cut where it is very long."""
        return policy_pb2.Problem(
            file=shortened(self.file, LONGEST_PART),
            line=self.line,
            field=shortened(self.field, LONGEST_PART),
            cause=shortened(self.cause, LONGEST_PART),
            hint=shortened(self.hint, LONGEST_PART),
        )


class InvalidDocumentsError(InvalidError):
    """At least one document is refused; nothing was written. Holds the problems found, the first 100 of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems[:MAX_PROBLEMS])
        self.found = len(problems)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")

    def detail(self) -> policy_pb2.InvalidDocuments:
        """As many problems as a client's limit on trailers lets through, and how many there are beside them."""
        told = policy_pb2.InvalidDocuments()
        for problem in self.problems:
            told.problems.append(problem.encode())
            if told.ByteSize() > LONGEST_DETAIL:
                del told.problems[-1]
                break
        told.omitted = self.found - len(told.problems)
        return told


class InvalidRequestError(InvalidError):
    """A request that names nothing, or something that no document can be named."""


class UnknownDocumentError(AbsentError):
    """A document or service that was named does not exist."""


class NewerRevisionError(ConflictError):
    """Somebody else wrote first: what was expected to be the newest policy revision is not."""

    def __init__(self, expected: int, newest: int) -> None:
        super().__init__(
            f"expected revision {expected}, the newest is {newest}",
            hint="read the documents again, then repeat the write",
        )
