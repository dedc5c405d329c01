"""The control plane, put together: read `serve` from top to bottom and you have seen every part."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from control_plane.admin import Admin
from control_plane.auth import Authenticator
from control_plane.clock import Clock, SystemClock
from control_plane.config import ControlPlaneConfig
from control_plane.discovery.acks import Proxies
from control_plane.discovery.facts import facts_of
from control_plane.discovery.service import DiscoveryService
from control_plane.discovery.snapshots import Compiler, Snapshots
from control_plane.discovery.state import read_state, resolve_state
from control_plane.guard import Guard
from control_plane.identity.authority import Authority
from control_plane.identity.operator import write_operator_credential
from control_plane.identity.service import IdentityService
from control_plane.identity.tokens import Tokens
from control_plane.metrics import Metrics
from control_plane.policy.service import PolicyService
from control_plane.private_files import private_folder
from control_plane.registry.instances import read_instances
from control_plane.registry.leases import Leases
from control_plane.registry.service import RegistryService
from control_plane.server import ServerCertificate, bind, make_server
from control_plane.stopping import Stopping
from control_plane.store.base import Put, Store, Transaction
from control_plane.store.sqlite import SqliteStore
from control_plane.telemetry.room import Telemetry
from protos.tulle.v1.discovery_pb2_grpc import add_DiscoveryServicer_to_server
from protos.tulle.v1.identity_pb2_grpc import add_IdentityServicer_to_server
from protos.tulle.v1.policy_pb2_grpc import add_PolicyServicer_to_server
from protos.tulle.v1.registry_pb2 import Instance
from protos.tulle.v1.registry_pb2_grpc import add_RegistryServicer_to_server

STORE_FILE: Final = "store.db"
TELEMETRY_FILE: Final = "telemetry.db"
AUTHORITY_FOLDER: Final = "authority"
FOUNDED_KEY: Final = "/mesh/trust-domain"
GRACE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """What was really bound, and where the operator's credential lies."""

    address: str
    admin: str
    operator_credential: Path


async def serve(
    config: ControlPlaneConfig,
    ready: Callable[[Addresses], None],
    stop: asyncio.Event,
    clock: Clock | None = None,
) -> None:
    """Run until `stop` is set, having called `ready` once. StartError: it could not start, in one line."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        folder = private_folder(config.data_dir)
        authority = Authority.open(folder / AUTHORITY_FOLDER, config.trust_domain, config.leaf_lifetime, clock)
        store = await SqliteStore.open(folder / STORE_FILE, clock)
        stack.push_async_callback(store.close)
        await _found(store, config.trust_domain)

        telemetry = await Telemetry.open(folder / TELEMETRY_FILE, clock)
        stack.push_async_callback(telemetry.close)
        events, metrics, stopping = telemetry.events, Metrics(), Stopping()
        caller = Authenticator(authority, config.trust_domain, clock).caller
        server = make_server(Guard(caller, metrics.observe))
        listening = bind(server, config.listen, ServerCertificate(authority, config.listen, clock).credentials())
        advertised = str(config.reachable(listening.port))

        tokens = Tokens(store, clock, secrets.token_bytes)
        identity = IdentityService(authority, tokens, caller, config.trust_domain, advertised, events, clock)
        leases = await Leases.restore(store, events)
        proxies = Proxies(clock, events)
        compiler = Compiler(partial(read_state, store), resolve_state)
        snapshots = Snapshots(store, compiler, await compiler.read(), clock, proxies.announce)
        discovery = DiscoveryService(snapshots, proxies, caller, clock, stopping)
        registry = RegistryService(store, leases, caller, proxies.acknowledged, events, clock, stopping)
        policy = PolicyService(store, partial(_instances, store), events, clock, config.trust_domain)

        add_IdentityServicer_to_server(identity, server)
        add_RegistryServicer_to_server(registry, server)
        add_DiscoveryServicer_to_server(discovery, server)
        add_PolicyServicer_to_server(policy, server)
        telemetry.register(server, caller, facts_of(snapshots.state, proxies), stopping)

        metrics.gauge("tulle_control_plane_revision", "Revision of the store", lambda: store.revision)
        metrics.gauge("tulle_control_plane_sidecars", "Sidecars connected", proxies.connected_count)
        admin = Admin(metrics.exposition)
        admin_address = await admin.start(config.admin)
        stack.push_async_callback(admin.stop)
        await server.start()
        stack.push_async_callback(server.stop, GRACE_SECONDS)
        stack.callback(stopping.set)

        credential = write_operator_credential(folder, authority, advertised, clock.now())
        stack.callback(admin.unready)
        admin.ready()
        ready(Addresses(str(listening), str(admin_address), credential))
        await _run_until(stop, leases.run(clock), snapshots.run(), telemetry.run())


async def _found(store: Store, trust_domain: str) -> None:
    """The first write of all: a snapshot's revision is never 0, not even in an empty mesh."""
    if await store.get(FOUNDED_KEY) is None:
        await store.commit(Transaction((Put(FOUNDED_KEY, trust_domain.encode()),)))


async def _instances(store: Store) -> list[Instance]:
    _, instances = await read_instances(store)
    return list(instances)


async def _run_until(stop: asyncio.Event, *background: Coroutine[Any, Any, None]) -> None:
    """Run the background until `stop`. None of it ever ends by itself: if one does, so does this, with its error."""
    stopped = asyncio.ensure_future(stop.wait())
    tasks = [asyncio.ensure_future(work) for work in background]
    try:
        done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (stopped, *tasks):
            task.cancel()
        await asyncio.gather(stopped, *tasks, return_exceptions=True)
