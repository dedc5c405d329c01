"""The servers of the contract by name: what starts each, and what each cannot do."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.peers import build
from tests.support.process import Child


@dataclass(frozen=True)
class Stack:
    """A server program; flags of the contract are added to its command."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """For a program that is run to its end."""
        return {**os.environ, **self.env}

    def start(self, folder: Path, name: str, flags: Sequence[str] = ()) -> tuple[Child, int]:
        """A running server and its port."""
        child = Child.start(name, [*self.command, *flags], folder, self.env)
        try:
            return child, int(child.ready()["port"])
        except BaseException:
            child.kill()
            raise


def _python(kind: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"tests.peers.python.{kind}")


_JS_ENV = {"NODE_PATH": str(build.JS), "PEERS_PROTO": str(build.PROTO)}
_CLASS_PATH = f"{build.JAVA / 'classes'}:{build.JAVA / 'lib'}/*"

GRPCIO: Final = Stack("grpcio", _python("sync"))
AIO: Final = Stack("grpcio-aio", _python("aio"))
GO: Final = Stack("grpc-go", (str(build.GO), "serve"))
# A small heap and one compiler: many JVMs of defaults would take the machine from those who measure.
JAVA: Final = Stack("grpc-java", ("java", "-XX:+UseSerialGC", "-Xmx512m", "-cp", _CLASS_PATH, "dev.tulle.peers.Serve"))
JS: Final = Stack("grpc-js", ("node", str(build.HERE / "js" / "serve.js")), _JS_ENV)
TONIC: Final = Stack("tonic", (str(build.RUST),))
# As most of its users serve: Nagle's algorithm is left on.
TONIC_NAGLE: Final = Stack("tonic-nagle", (str(build.RUST), "--nagle"))
SERVERS: Final = (GRPCIO, AIO, GO, JAVA, JS, TONIC)


def js_call(target: str, authority: str, method: str, attempts: int, ask: dict[str, object]) -> list[str]:
    """One call by grpc-js with a retry policy of its own; run it with JS.env."""
    arguments = [target, authority, method, str(attempts), json.dumps(ask)]
    return ["node", str(build.HERE / "js" / "call.js"), *arguments]
