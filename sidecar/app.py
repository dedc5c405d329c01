"""The composition root: what a sidecar is made of, in the order it starts and the order it stops."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from random import Random, SystemRandom
from typing import Final

from protos.tulle.v1 import engine_pb2
from sidecar.address import HostPort
from sidecar.admin import Admin
from sidecar.backoff import Backoff
from sidecar.bootstrap import establish
from sidecar.cache import SnapshotCache
from sidecar.clock import Clock, SystemClock
from sidecar.config import VERSION_LABEL, SidecarConfig, UpstreamPort, advertised
from sidecar.discovery import Discovery
from sidecar.engine import Engine
from sidecar.engine_config import engine_config
from sidecar.errors import EngineRefusedError
from sidecar.events import ToldOnReading, log_events
from sidecar.health.asking import Asking
from sidecar.health.settings import CheckSettings
from sidecar.health.verdict import Health
from sidecar.identity import Renewal, stored_life
from sidecar.link import Link
from sidecar.pages import Shown, pages
from sidecar.registration import Registrant, Registration
from sidecar.running import either, kept_running, unless_stopped
from sidecar.sessions import KeptOpen
from sidecar.state import SNAPSHOT, State
from sidecar.telemetry.drain import Drain
from sidecar.telemetry.pace import Pace
from sidecar.telemetry.pump import Exporter, Pump
from sidecar.telemetry.settings import TelemetrySettings

__all__ = ["SidecarAddresses", "SidecarConfig", "UpstreamPort", "serve"]

log = logging.getLogger(__name__)

# Well under a lease of 15 s: a control plane that comes back finds everybody before a lease has expired.
STREAM_BACKOFF: Final = Backoff(timedelta(milliseconds=200), timedelta(seconds=3))
DEREGISTER_SECONDS: Final = 5.0
# The engine's two-phase GOAWAY takes half a second: calls sent before a caller knew must still find the application.
GOAWAY_SECONDS: Final = 1.0
EVENTS_SECONDS: Final = 1.0

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SidecarAddresses:
    """What was really bound, each "host:port". `inbound` is "" without an application, `outbound` where turned off."""

    outbound: str
    inbound: str
    admin: str
    upstream_ports: tuple[UpstreamPort, ...] = ()


async def serve(
    config: SidecarConfig,
    ready: Callable[[SidecarAddresses], None],
    stop: asyncio.Event,
    *,
    before_shutdown: Hook | None = None,
) -> None:
    """Run a sidecar until `stop` is set, then leave in order: deregister, drain inbound, `before_shutdown`, the engine.

    `ready` is called once, when identity and policy are in force. `before_shutdown` is where a supervised application
    is ended: its own calls still go out while it runs. Raises SidecarError where the sidecar cannot start.
    """
    telemetry = TelemetrySettings.read(os.environ, otlp=config.otlp)
    async with AsyncExitStack() as stack:
        state = stack.enter_context(State(config.state))
        parts = await unless_stopped(_start(config, telemetry, state, stop, stack), stop)
        if parts is None:
            return
        await kept_running(parts.tasks(), parts.clock, stack)
        await either(parts.discovery.in_force, stop)
        if not stop.is_set():
            ready(parts.addresses)
            await stop.wait()
        await parts.leave(before_shutdown)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A sidecar that has started."""

    config: SidecarConfig
    engine: Engine
    link: Link
    discovery: Discovery
    watch: KeptOpen
    renewal: Renewal
    health: Health
    asking: Asking
    registration: Registration | None
    pump: Pump | None
    addresses: SidecarAddresses
    clock: Clock
    random: Random

    def tasks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs beside the calls; none of it is on their path."""
        tasks: dict[str, Callable[[], Awaitable[None]]] = {
            "discovery": lambda: self.watch.run(self.discovery.session),
            "identity": self.renewal.run,
            "health": self._judge,
        }
        if self.registration is not None:
            session = self.registration.session
            lease = KeptOpen("registration", self.link, STREAM_BACKOFF, self.clock, self.random)
            tasks["registration"] = lambda: lease.run(session)
        if self.pump is not None:
            pump = self.pump
            tasks["telemetry"] = lambda: pump.run(self.clock)
        else:
            tasks["events"] = self._tell
        return tasks

    async def _tell(self) -> None:
        """Where nothing reads the counters, which would log the events as well."""
        while True:
            await self.clock.sleep(EVENTS_SECONDS)
            await asyncio.to_thread(log_events, self.engine)

    async def _judge(self) -> None:
        # Not before policy is there: it says how the application is asked.
        await self.discovery.in_force.wait()
        await self.health.run(self.asking, self.clock)

    async def leave(self, before_shutdown: Hook | None) -> None:
        """Callers let go first, calls in flight end next, the application's own calls last."""
        if self.registration is not None:
            await self.registration.leave(self.link.channel, DEREGISTER_SECONDS)
        await self.engine.drain()
        if before_shutdown is not None:
            await self.clock.sleep(GOAWAY_SECONDS if self.registration is not None else 0)
            await before_shutdown()
        grace = self.config.grace.total_seconds()
        if not await self.engine.shutdown(grace):
            log.warning("calls were still open after %g s and have been ended", grace)
        if self.pump is not None:
            await self.pump.finish()
        await asyncio.to_thread(log_events, self.engine)


async def _start(
    config: SidecarConfig, telemetry: TelemetrySettings, state: State, stopping: asyncio.Event, stack: AsyncExitStack
) -> _Parts:
    clock, random = SystemClock(), SystemRandom()
    instance = state.instance(config.instance, config.service_name)
    engine = Engine(engine_config(config, instance, state.identity_dir, telemetry.trace_ratio))
    control_plane = await establish(config, state, engine, clock)
    cache = SnapshotCache(state.folder / SNAPSHOT, config.service_name)
    asking = _asking(config, engine)
    stack.push_async_callback(asking.close)
    discovery = Discovery(
        engine, cache, instance, engine.version, lambda inbound: asking.take(CheckSettings.of(inbound))
    )
    await discovery.restore()
    bound = await engine.start()
    # Once more at the end of a start that fails halfway; after an orderly leave it does nothing.
    stack.push_async_callback(engine.shutdown, 0.0)
    link = Link(control_plane, state.identity_dir)
    stack.push_async_callback(link.close)
    health = Health()
    registration = _registration(config, instance, bound, health)
    drain = Drain(ToldOnReading(engine), config.service_name, lambda: _not_after(engine))
    facts = {"service": config.service_name, "instance": instance, "control_plane": control_plane}
    watch = KeptOpen("discovery", link, STREAM_BACKOFF, clock, random)
    admin = Admin(pages(Shown(engine, discovery, watch, health, registration, drain, stopping, facts)))
    addresses = SidecarAddresses(bound.outbound, bound.inbound, await admin.start(config.admin), _upstreams(bound))
    stack.push_async_callback(admin.close)
    return _Parts(
        config=config,
        engine=engine,
        link=link,
        discovery=discovery,
        watch=watch,
        renewal=Renewal(engine, link, lambda: stored_life(state.identity_dir, _not_after(engine)), clock, random),
        health=health,
        asking=asking,
        registration=registration,
        pump=await _pump(config, telemetry, instance, engine, drain, link),
        addresses=addresses,
        clock=clock,
        random=random,
    )


def _asking(config: SidecarConfig, engine: Engine) -> Asking:
    async def found(place: HostPort) -> None:
        # Told before the verdict: the first call already goes where the application was found.
        try:
            engine.use_application(str(place))
        except EngineRefusedError as error:
            log.warning("%s; restart the sidecar, its application has moved", error)

    return Asking(HostPort.parse(config.application) if config.application else None, found)


def _registration(
    config: SidecarConfig, instance: str, bound: engine_pb2.EngineAddresses, health: Health
) -> Registration | None:
    if config.application is None:
        return None
    inbound = HostPort.parse(bound.inbound)
    address = inbound if config.advertise is None else advertised(config.advertise, inbound.port)
    return Registration(Registrant(instance, address, config.weight, config.labels), health)


async def _pump(
    config: SidecarConfig, telemetry: TelemetrySettings, instance: str, engine: Engine, drain: Drain, link: Link
) -> Pump | None:
    if not telemetry.exports:
        return None
    namespace, _, name = config.service_name.partition("/")
    resource = {
        "service.namespace": namespace,
        "service.name": name,
        "service.instance.id": instance,
        "service.version": config.labels.get(VERSION_LABEL, ""),
    }
    named = {key: value for key, value in resource.items() if value}
    exporter = await asyncio.to_thread(_exporter, telemetry, named, engine)
    return Pump(drain, exporter, link, Pace.of(telemetry.interval, telemetry.span_delay))


def _exporter(telemetry: TelemetrySettings, resource: dict[str, str], engine: Engine) -> Exporter:
    # Imports for those who export alone, and off the event loop; the SDK's for those alone who speak to it.
    if telemetry.needs_sdk:
        from sidecar.telemetry.otlp import Otlp

        return Otlp(telemetry, resource, engine.version)
    from sidecar.telemetry.home import Home

    return Home(telemetry, resource, engine.version, engine)


def _upstreams(bound: engine_pb2.EngineAddresses) -> tuple[UpstreamPort, ...]:
    return tuple(UpstreamPort(port.listen, port.authority) for port in bound.upstream_ports)


def _not_after(engine: Engine) -> int:
    identity = engine.identity()
    return identity.not_after if identity is not None else 0
