"""Stands for a client or a server under test and puts the mesh between: `between {client|server} ADDRESS -- COMMAND…`.

The runner talks to it as to the program that it starts: messages on stdin and stdout, each behind its length as four
bytes, big-endian. Where a server listens is rewritten to ADDRESS, where the mesh takes calls for it; all else passes
as it came.
"""

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any, Final

import grpc

PROTO: Final = "tests/conformance/connect/compat.proto"


def read_message(source: IO[bytes]) -> bytes | None:
    """The next message; None at the end, also at an end within a message."""
    head = source.read(4)
    message = source.read(int.from_bytes(head))
    return message if len(head) == 4 and len(message) == int.from_bytes(head) else None


def write_message(sink: IO[bytes], message: bytes) -> None:
    sink.write(len(message).to_bytes(4) + message)
    sink.flush()


def moved(message: Any, address: str) -> bytes:
    """The same message, naming another address."""
    message.host, _, port = address.rpartition(":")
    message.port = int(port)
    return bytes(message.SerializeToString())


def client(address: str, command: Sequence[str], protos: Any) -> int:
    """Every request goes on to the client, which so calls the mesh; what it answers is the runner's to read."""
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        while (message := read_message(sys.stdin.buffer)) is not None:
            write_message(child.stdin, moved(protos.ClientCompatRequest.FromString(message), address))
    return child.returncode


def server(address: str, command: Sequence[str], protos: Any) -> int:
    """The server's only answer says where it listens."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        child.stdin.write(sys.stdin.buffer.read())
        child.stdin.close()
        if (message := read_message(child.stdout)) is not None:
            write_message(sys.stdout.buffer, moved(protos.ServerCompatResponse.FromString(message), address))
    return child.returncode


def main(role: str, address: str, _: str, *command: str) -> int:
    return {"client": client, "server": server}[role](address, command, grpc.protos(PROTO))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
