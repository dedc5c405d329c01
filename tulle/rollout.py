"""Waiting until every connected proxy has acknowledged a revision."""

import threading
import time

from protos.tulle.v1 import discovery_pb2
from tulle.client import ControlPlane
from tulle.errors import CheckFailed

LOOK_EVERY_SECONDS = 0.2


def wait_until_acknowledged(plane: ControlPlane, revision: int, seconds: float) -> int:
    """How many proxies run `revision` or a later one. Raises CheckFailed naming those that do not in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        proxies = _connected(plane)
        behind = [proxy for proxy in proxies if not has(proxy, revision)]
        if not behind:
            return len(proxies)
        refused = [proxy for proxy in behind if proxy.HasField("nack") and proxy.nack.revision >= revision]
        if refused or time.monotonic() >= deadline:
            raise CheckFailed(_behind(behind, revision), "'tulle get proxies -o wide' shows what each one runs")
        pause.wait(LOOK_EVERY_SECONDS)


def has(proxy: discovery_pb2.Proxy, revision: int) -> bool:
    """True where the proxy runs `revision` or a later one."""
    return proxy.acked_revision >= revision


def _connected(plane: ControlPlane) -> list[discovery_pb2.Proxy]:
    request = discovery_pb2.ListProxiesRequest()
    answer: discovery_pb2.ListProxiesResponse = plane.call(plane.discovery.ListProxies, request)
    return [proxy for proxy in answer.proxies if proxy.connected]


def _behind(proxies: list[discovery_pb2.Proxy], revision: int) -> str:
    parts = []
    for proxy in proxies:
        nack = f", refused {proxy.nack.resource}: {proxy.nack.detail}" if proxy.HasField("nack") else ""
        parts.append(f"{proxy.instance} has {proxy.acked_revision}{nack}")
    return f"revision {revision} is not in force everywhere: " + "; ".join(parts)
