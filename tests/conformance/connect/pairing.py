"""What the suite runs: a program under test, the implementation it meets, and the port on which the server listens."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONFIG: Final = Path(__file__).with_name("grpc.yaml")
# The other side is grpc-go in the cases whose names say so, and connect-go in all others.
MEETING: Final = {"grpc-go": "--run", "connect-go": "--skip"}


@dataclass(frozen=True)
class Pairing:
    """`program` in its `role`, client or server, against the suite's own server or client."""

    role: str
    program: Path
    meeting: str
    port: int

    @property
    def name(self) -> str:
        return f"{self.role}-{self.port}"

    @property
    def part(self) -> str:
        return f"connectrpc {self.program.name}"

    def command(self, runner: Path, through: str | None, only: Sequence[str] = ()) -> Sequence[str]:
        """The runner's command line; `through` is where the mesh takes the calls, None for a straight run.

        `only` names some of the cases.
        """
        other = {"client": "server", "server": "client"}[self.role]
        chosen = [part for name in only for part in ("--run", name)]
        chosen = chosen or [MEETING[self.meeting], f"**/(grpc {other} impl)/**"]
        port = ["--port", str(self.port)]
        options = ["--conf", str(CONFIG), "--mode", self.role, "--vv", *chosen]
        between = [sys.executable, "-m", "tests.conformance.connect.between", self.role, through or "", "--"]
        under_test = [*(between if through else []), str(self.program)]
        if self.role == "client":
            return [str(runner), *options, *port, "--", *under_test]
        return [str(runner), *options, "--", *under_test, *port]
