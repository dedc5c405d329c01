"""Ports of programs that cannot take port 0 and say what they bound."""

import socket

from tests.support.process import Child
from tests.support.waiting import until
from tulle.free_ports import free_ports


def free_port() -> int:
    return free_ports(1)[0]


def wait_for(child: Child, port: int) -> None:
    """Until the child's port accepts. AssertionError with its log when it ends before."""

    def accepts() -> bool:
        assert child.process.poll() is None, f"{child.name} ended: {child.tail()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(accepts, f"{child.name} on port {port}")
