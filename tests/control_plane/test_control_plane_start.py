import asyncio
import json
import socket
import stat
from pathlib import Path

import pytest

from control_plane.config import ControlPlaneConfig, HostPort, InvalidSettingError
from control_plane.identity.authority import RootError
from control_plane.identity.certificate import InvalidLifetimeError, LeafLifetime
from control_plane.private_files import FolderError
from control_plane.server import PortError
from control_plane.store.database import DatabaseError
from protos.tulle.v1 import registry_pb2
from tests.control_plane.control_plane_harness import Running, control_plane, within


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def http_get(address: str, path: str) -> tuple[int, str]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    response = (await within(reader.read())).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = response.partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


async def test_the_first_start_makes_keys_that_nobody_else_may_read(running: Running) -> None:
    assert mode(running.folder) == 0o700
    assert mode(running.folder / "authority") == 0o700
    secret = [running.folder / "operator.json", *(running.folder / "authority").iterdir()]
    assert {path.name for path in secret} == {
        "operator.json",
        "workload-root.pem",
        "workload-root.key",
        "access-root.pem",
        "access-root.key",
    }
    assert {mode(path) for path in secret} == {0o600}


async def test_the_credential_says_where_the_control_plane_is(running: Running) -> None:
    credential = json.loads((running.folder / "operator.json").read_text())
    assert set(credential) == {"control_plane", "root_pem", "certificate_pem", "key_pem"}
    assert credential["control_plane"] == running.addresses.address


async def test_a_restart_keeps_roots_and_credential(tmp_path: Path) -> None:
    async with control_plane(tmp_path / "data") as first:
        before = first.credential
    async with control_plane(tmp_path / "data") as second:
        after = second.credential
        await second.operator().registry.ListInstances(registry_pb2.ListInstancesRequest())
    assert (before.root_pem, before.certificate_pem) == (after.root_pem, after.certificate_pem)


async def test_a_busy_port_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(PortError) as refused:
            async with control_plane(tmp_path / "data", listen=HostPort("127.0.0.1", port)):
                pass
    assert str(refused.value) == (
        f"cannot listen on 127.0.0.1:{port}: address already in use: "
        "stop what uses that address, or choose another with --listen"
    )


@pytest.mark.parametrize(
    ("host", "cause"), [("192.0.2.1", "cannot assign requested address"), ("nowhere.invalid", "no such host")]
)
async def test_an_address_that_is_not_here_is_named_with_the_cause(tmp_path: Path, host: str, cause: str) -> None:
    with pytest.raises(PortError, match=f"cannot listen on {host}:7443: {cause}"):
        async with control_plane(tmp_path / "data", listen=HostPort(host, 7443)):
            pass


async def test_a_second_control_plane_does_not_share_the_port(running: Running, tmp_path: Path) -> None:
    port = int(running.addresses.address.rpartition(":")[2])
    with pytest.raises(PortError):
        async with control_plane(tmp_path / "other", listen=HostPort("127.0.0.1", port)):
            pass


async def test_a_second_control_plane_does_not_share_the_folder(running: Running) -> None:
    with pytest.raises(DatabaseError, match="another process uses"):
        async with control_plane(running.folder):
            pass


async def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    with pytest.raises(FolderError, match=f"others may enter {folder}, which holds keys: chmod 700 {folder}"):
        async with control_plane(folder):
            pass


async def test_a_root_without_its_key_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with control_plane(tmp_path / "data"):
        pass
    key = tmp_path / "data" / "authority" / "workload-root.key"
    key.rename(tmp_path / "elsewhere")
    with pytest.raises(RootError, match="cannot use the workload root"):
        async with control_plane(tmp_path / "data"):
            pass
    assert not key.exists()


async def test_the_admin_port_answers_health_readiness_and_metrics(running: Running) -> None:
    assert await http_get(running.addresses.admin, "/healthz") == (200, "ok\n")
    assert await http_get(running.addresses.admin, "/readyz") == (200, "ready\n")
    await running.operator().registry.ListInstances(registry_pb2.ListInstancesRequest())
    code, text = await http_get(running.addresses.admin, "/metrics")
    assert code == 200
    assert 'tulle_control_plane_rpcs_total{method="tulle.v1.Registry/ListInstances",status="OK"} 1.0' in text
    assert "tulle_control_plane_sidecars 0.0" in text
    assert (await http_get(running.addresses.admin, "/secrets"))[0] == 404


@pytest.mark.parametrize("text", ["7443", ":7443", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "localhost:http"])
def test_a_bad_address_names_the_flag(text: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"--listen is '{text}': the form is HOST:PORT"):
        HostPort.parse("--listen", text)


def test_an_address_reads_as_it_is_written() -> None:
    for text in ("127.0.0.1:7443", "[::1]:0", "localhost:1"):
        assert str(HostPort.parse("--listen", text)) == text


def test_the_admin_address_must_be_loopback(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingError, match="not loopback"):
        ControlPlaneConfig(tmp_path, admin=HostPort("0.0.0.0", 0))  # noqa: S104 - that is what is refused


@pytest.mark.parametrize("seconds", [0, 59, 2_592_001])
def test_a_leaf_lives_a_minute_to_thirty_days(seconds: int) -> None:
    from datetime import timedelta

    with pytest.raises(InvalidLifetimeError):
        LeafLifetime(timedelta(seconds=seconds))
