"""The engine alone, as a process: its telemetry drained each second, as the agent does it.

Outbound in plaintext, or, with --identity, the inbound side that ends mTLS: its key is signed by the bench's own CA,
so that every system in that place proves itself with the same kind of certificate.
"""

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import get_args

from cryptography import x509

from bench import certificates
from bench.systems import tulle_snapshot
from bench.systems.base import STREAMS
from bench.systems.policy import BARE, NAME, TRACES, Policy
from protos.tulle.v1 import engine_pb2
from sidecar.engine import Engine

DRAIN = 1.0  # seconds, as the agent does


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--backend", type=_backend, required=True, action="append", help="[SERVICE=]PORT of a backend on loopback"
    )
    parser.add_argument("--policy", choices=get_args(Policy), default="default")
    parser.add_argument("--workers", type=int, default=1, help="threads")
    parser.add_argument("--identity", type=Path, help="the bench CA's folder: be the inbound side")
    given = parser.parse_args()
    asyncio.run(_inbound(given) if given.identity else _outbound(given))


def _backend(given: str) -> tuple[str, int]:
    service, _, port = given.rpartition("=")
    return service or NAME, int(port)


async def _outbound(given: argparse.Namespace) -> None:
    config = engine_pb2.EngineConfig(
        service="bench/load",
        instance="load-0",
        outbound_listen="127.0.0.1:0",
        workers=given.workers,
        trace_ratio=TRACES[given.policy],
        limits=engine_pb2.Limits(max_concurrent_streams=STREAMS),
    )
    engine = Engine(config)
    bound = await engine.start()
    backends: dict[str, list[int]] = {}
    for service, port in given.backend:
        backends.setdefault(service, []).append(port)
    await engine.apply(tulle_snapshot.outbound(backends, given.policy).SerializeToString())
    await _serve(engine, bound.outbound, drains=given.policy not in BARE)


async def _inbound(given: argparse.Namespace) -> None:
    kept = given.identity / "engine"
    kept.mkdir(mode=0o700)
    config = engine_pb2.EngineConfig(
        service=tulle_snapshot.SERVICE,
        instance="echo-0",
        inbound_listen="127.0.0.1:0",
        application=f"127.0.0.1:{given.backend[0][1]}",
        identity_dir=str(kept),
        workers=given.workers,
        trace_ratio=TRACES[given.policy],
        limits=engine_pb2.Limits(max_concurrent_streams=STREAMS),
    )
    engine = Engine(config)
    bound = await engine.start()
    request = x509.load_der_x509_csr(await engine.create_csr())
    await engine.set_identity(certificates.sign(given.identity, request), (given.identity / "root.pem").read_bytes())
    await engine.apply(tulle_snapshot.inbound().SerializeToString())
    await _serve(engine, bound.inbound, drains=True)


async def _serve(engine: Engine, address: str, *, drains: bool) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(json.dumps({"ready": "hop", "address": address}), flush=True)
    while not stop.is_set():
        if drains:
            await asyncio.to_thread(engine.drain_telemetry, spans=True)
        try:
            await asyncio.wait_for(stop.wait(), DRAIN)
        except TimeoutError:
            continue
    await engine.shutdown(1.0)


if __name__ == "__main__":
    main()
