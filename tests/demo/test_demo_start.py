"""What a start of the demo may meet: a port that is taken, a service that ends."""

import socket
from pathlib import Path

import pytest

from demo import plan
from tulle import demo_run, free_ports
from tulle.demo_folder import Before
from tulle.demo_run import Demo, DemoSettings
from tulle.errors import NotStarted


def test_ports_are_free_different_and_none_that_the_system_hands_out() -> None:
    ports = free_ports.free_ports(50)
    assert len(set(ports)) == 50
    assert all(free_ports.can_bind(port) for port in ports)
    assert max(ports) < free_ports.handed_out_from()


def test_a_port_that_is_held_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_ports, "can_bind", lambda port: port == free_ports.FIRST + 7)
    assert free_ports.free_ports(1) == [free_ports.FIRST + 7]
    with pytest.raises(NotStarted, match="no 2 free ports"):
        free_ports.free_ports(2)


@pytest.mark.real
async def test_a_service_that_cannot_have_its_port_ends_the_start_at_once_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports.free_ports(len(plan.SERVICES))
    monkeypatch.setattr(demo_run, "free_ports", lambda _count: ports)
    settings = DemoSettings(tmp_path / "demo", Before.DELETE, port=0, rate=0, chaos=False, seconds=0)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports[0]))
        holder.listen()
        with pytest.raises(NotStarted) as refused:
            await Demo(settings, lambda _line: None, lambda _ready: None).run()
    first = plan.WAVES[0][0].instance
    assert str(refused.value.cause).startswith(first)
    assert f"127.0.0.1:{ports[0]}" in str(refused.value.cause)
