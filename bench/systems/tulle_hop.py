"""One hop in plaintext, as a process: the engine under the default policy, its telemetry drained each second."""

import argparse
import asyncio
import json
import signal

from google.protobuf.duration_pb2 import Duration

from bench.systems.base import AUTHORITY
from protos.tulle.v1 import engine_pb2, snapshot_pb2
from sidecar.engine import Engine

DRAIN = 1.0  # seconds, as the agent does


def snapshot(backend: int) -> snapshot_pb2.Snapshot:
    """What the control plane resolves for one service where no document says anything, save that it is in plaintext."""
    breaker = snapshot_pb2.CircuitBreaker(max_connections=1024, max_pending=1024, max_requests=1024, max_retries=3)
    retry = snapshot_pb2.Retry(
        attempts=1,
        status_codes=[14],
        backoff_base=Duration(nanos=25_000_000),
        backoff_max=Duration(nanos=250_000_000),
        budget_percent=20,
        budget_min_per_second=10,
    )
    route = snapshot_pb2.Route(
        name="default",
        backends=[snapshot_pb2.WeightedCluster(cluster="bench/echo", weight=1)],
        policy=snapshot_pb2.RoutePolicy(retry=retry),
    )
    accrual = snapshot_pb2.FailureAccrual(
        consecutive_failures=7, open_base=Duration(seconds=1), open_max=Duration(seconds=60)
    )
    endpoint = snapshot_pb2.Endpoint(id="echo-0", address="127.0.0.1", port=backend, weight=1, healthy=True)
    cluster = snapshot_pb2.Cluster(
        name="bench/echo",
        endpoints=[endpoint],
        load_balancing=snapshot_pb2.LOAD_BALANCING_P2C_PEAK_EWMA,
        failure_accrual=accrual,
        connect_timeout=Duration(seconds=5),
    )
    service = snapshot_pb2.Service(name="bench/echo", authorities=[AUTHORITY], routes=[route], circuit_breaker=breaker)
    return snapshot_pb2.Snapshot(revision=1, trust_domain="tulle.local", services=[service], clusters=[cluster])


async def serve(backend: int) -> None:
    engine = Engine(
        engine_pb2.EngineConfig(
            service="bench/load", instance="load-0", outbound_listen="127.0.0.1:0", workers=1, trace_ratio=0.01
        )
    )
    bound = await engine.start()
    await engine.apply(snapshot(backend).SerializeToString())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(json.dumps({"ready": "hop", "outbound": bound.outbound}), flush=True)
    while not stop.is_set():
        await engine.drain_telemetry()
        try:
            await asyncio.wait_for(stop.wait(), DRAIN)
        except TimeoutError:
            continue
    await engine.shutdown(1.0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", type=int, required=True, help="loopback port of the backend")
    asyncio.run(serve(parser.parse_args().backend))


if __name__ == "__main__":
    main()
