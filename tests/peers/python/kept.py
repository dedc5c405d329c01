"""Every execution that has a key, whichever kind of grpcio server runs it."""

import threading
import time
from typing import Any

from tests.peers.proto import peers_pb2 as pb


class Kept:
    """Begun and ended by any thread."""

    def __init__(self) -> None:
        self._all: list[pb.Execution] = []
        self._lock = threading.Lock()

    def begin(self, key: str, context: Any) -> pb.Execution:
        """The execution, running; one without a key is kept nowhere."""
        left = context.time_remaining()
        attempts = [value for name, value in context.invocation_metadata() if name == "grpc-previous-rpc-attempts"]
        deadline = -1 if left is None or left > 1e9 else int(left * 1000)
        one = pb.Execution(key=key, previous_attempts=",".join(attempts), deadline_ms=deadline)
        if key:
            with self._lock:
                self._all.append(one)
        return one

    def end(self, one: pb.Execution, ending: pb.Ending.ValueType) -> None:
        """Once; what comes later changes nothing."""
        with self._lock:
            if one.ending == pb.RUNNING:
                one.ended_ns, one.ending = time.time_ns(), ending

    def of(self, prefix: str) -> pb.Record:
        with self._lock:
            return pb.Record(executions=[one for one in self._all if one.key.startswith(prefix)])
