"""The control plane as a process of its own, killed with SIGKILL and started again on the same folder and port."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import Parse

from protos.tulle.v1 import identity_pb2, policy_pb2, policy_pb2_grpc
from tests.control_plane.control_plane_harness import TARGET, within

SERVER = """
import asyncio, signal, sys
from pathlib import Path
from control_plane.app import serve
from control_plane.config import ControlPlaneConfig, HostPort

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = ControlPlaneConfig(Path(sys.argv[1]), "shop.local", HostPort("127.0.0.1", int(sys.argv[2])))
    await serve(config, lambda addresses: print('{"address": "%s"}' % addresses.address, flush=True), stop)

asyncio.run(main())
"""

SERVICE = """
apiVersion: tulle.dev/v1
kind: Service
metadata: {name: payments, namespace: shop}
spec: {ports: [{port: 50051}]}
"""


@asynccontextmanager
async def process(folder: Path, port: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A running control plane and its address; killed at the end, however that comes."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVER, str(folder), str(port)), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert started.stdout is not None
        yield started, json.loads(await within(started.stdout.readline()))["address"]
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGKILL)
        await within(started.communicate())


@asynccontextmanager
async def policy(folder: Path) -> AsyncIterator["policy_pb2_grpc.PolicyAsyncStub"]:
    credential = Parse((folder / "operator.json").read_text(), identity_pb2.OperatorCredential())
    secret = (credential.root_pem, credential.key_pem, credential.certificate_pem)
    credentials = grpc.ssl_channel_credentials(*(part.encode() for part in secret))
    async with grpc.aio.secure_channel(credential.control_plane, credentials, TARGET) as channel:
        yield policy_pb2_grpc.PolicyStub(channel)


@pytest.mark.real
async def test_an_acknowledged_apply_survives_kill_9_of_the_control_plane(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with process(folder, 0) as (killed, address), policy(folder) as before:
        source = policy_pb2.Source(file="payments.yaml", yaml=SERVICE)
        revision = (await before.Apply(policy_pb2.ApplyRequest(sources=[source], author="test"))).revision
        killed.send_signal(signal.SIGKILL)
        await within(killed.wait())
    async with process(folder, int(address.rpartition(":")[2])) as (_, again), policy(folder) as after:
        assert again == address, "the same port is free at once"
        listed = await after.List(policy_pb2.ListRequest())
    assert [(document.key.name, document.revision) for document in listed.documents] == [("payments", revision)]


@pytest.mark.real
async def test_a_stop_ends_the_process_cleanly(tmp_path: Path) -> None:
    async with process(tmp_path / "data", 0) as (running, _):
        running.send_signal(signal.SIGTERM)
        assert await within(running.wait()) == 0
