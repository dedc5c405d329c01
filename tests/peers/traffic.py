"""A TrafficPolicy of one served stack for as long as a test needs it."""

import contextlib
from collections.abc import Iterator

from tests.peers.room import Room, Served
from tests.support.mesh import NAMESPACE

TWICE = "retry: {attempts: 2, on: [UNAVAILABLE], backoff: {base: 1ms, max: 2ms}}"
TWICE_IDEMPOTENT = "retry: {attempts: 2, on: [UNAVAILABLE], idempotent: true, backoff: {base: 1ms, max: 2ms}}"
ONCE = "retry: {attempts: 1}"
DOCUMENT = """
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  targetRefs: [{{kind: Service, name: {name}}}]
  {body}
"""


@contextlib.contextmanager
def traffic(room: Room, served: Served, body: str) -> Iterator[None]:
    """Every sidecar has acknowledged it; afterwards it is gone."""
    room.lane.apply(DOCUMENT.format(name=served.name, namespace=NAMESPACE, body=body))
    try:
        yield
    finally:
        # A delete waits for nobody: what is in force when it returns must be harmless to the next test.
        room.lane.apply(DOCUMENT.format(name=served.name, namespace=NAMESPACE, body=ONCE))
        room.lane.tulle("delete", "TrafficPolicy", served.name, "-n", NAMESPACE, "--yes")
