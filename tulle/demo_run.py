"""The demo from start to stop: control plane, policies and tokens, services beside their sidecars, load, dashboard."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from demo import plan
from protos.tulle.v1 import identity_pb2, policy_pb2, registry_pb2
from tulle import demo_members as members
from tulle.author import name_of
from tulle.client import ControlPlane, connect
from tulle.demo_folder import Before, prepare
from tulle.demo_members import Admission, Places
from tulle.errors import NotStarted
from tulle.free_ports import free_ports
from tulle.proto_methods import methods_of
from tulle.sources import read_sources
from tulle.stopping import stop_on_signals
from tulle.supervisor import Running, Supervisor

START_SECONDS = 60.0
GRACE_SECONDS = 12.0
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What was asked for. `rate` 0: no load; `seconds` 0: until stopped."""

    data: Path
    before: Before
    port: int
    rate: float
    chaos: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Ready:
    """Where everything is, once it runs."""

    url: str
    control_plane: str
    credentials: str


class Demo:
    """One run. `say` gets progress and what members have to tell; `ready` is called once."""

    def __init__(self, settings: DemoSettings, say: Callable[[str], None], ready: Callable[[Ready], None]) -> None:
        self._settings = settings
        self._say = say
        self._ready = ready
        self._began = time.monotonic()
        self._places = Places(prepare(settings.data, settings.before))
        self._services: list[Running] = []

    async def run(self) -> None:
        """Until SIGTERM, Ctrl-C or the end of `seconds`. Raises NotStarted with the last lines of what failed."""
        stop = stop_on_signals()
        async with Supervisor(self._places.logs, GRACE_SECONDS) as supervisor:
            starting = asyncio.create_task(self._start(supervisor))
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await self._watch(starting.result(), supervisor, stopped)
            starting.cancel()
            stopped.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            self._say("stopping")
            await supervisor.stop_together(self._services)
        self._say("stopped; nothing of it runs any more")

    async def _start(self, supervisor: Supervisor) -> list[Running]:
        """Start everything; what the demo cannot go on without."""
        # Policies are read (protoc runs for each service) while the control plane starts.
        reading = asyncio.create_task(asyncio.to_thread(read_sources, [str(plan.POLICIES)], methods_of))
        control_plane = await supervisor.start(members.control_plane(self._places))
        bound = await control_plane.ready(START_SECONDS)
        self._progress(f"control plane at {bound['address']}")
        dashboard = await supervisor.start(members.dashboard(self._places, bound["credentials"], self._settings.port))
        with connect(Path(bound["credentials"])) as plane:
            await asyncio.to_thread(self._apply, plane, await reading)
            ports = await self._start_services(supervisor, plane)
            await self._start_load(supervisor, plane, ports)
        shown = await dashboard.ready(START_SECONDS)
        self._progress("dashboard")
        self._ready(Ready(shown["url"], bound["address"], bound["credentials"]))
        return [control_plane, dashboard]

    def _apply(self, plane: ControlPlane, sources: Sequence[policy_pb2.Source]) -> None:
        request = policy_pb2.ApplyRequest(sources=sources, author=name_of(None), reason="tulle demo")
        answer = plane.call(plane.policy.Apply, request)
        self._progress(f"{len(answer.changes)} policy documents, revision {answer.revision}")

    async def _start_services(self, supervisor: Supervisor, plane: ControlPlane) -> dict[str, int]:
        """Wave by wave; the port of each instance's application."""
        ports = iter(free_ports(len(plan.SERVICES)))
        taken: dict[str, int] = {}
        for wave in plan.WAVES:
            taken |= {what.instance: next(ports) for what in wave}
            started = [await self._start_service(supervisor, plane, what, taken[what.instance]) for what in wave]
            await asyncio.gather(*(running.ready(START_SECONDS) for running in started))
            await self._unless_ended(_healthy(plane, set(taken), time.monotonic() + START_SECONDS))
        self._progress(f"{len(self._services)} instances, each beside its sidecar")
        return taken

    async def _unless_ended(self, waiting: Coroutine[None, None, None]) -> None:
        """Waits; raises NotStarted with the last words of a service that ends meanwhile."""
        tasks = [asyncio.create_task(waiting), *(asyncio.create_task(_raise_end(each)) for each in self._services)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _start_service(
        self, supervisor: Supervisor, plane: ControlPlane, what: plan.Workload, port: int
    ) -> Running:
        admission = await asyncio.to_thread(self._admit, plane, what.full_name)
        running = await supervisor.start(members.workload(self._places, what, port, admission))
        self._services.append(running)
        return running

    async def _start_load(self, supervisor: Supervisor, plane: ControlPlane, ports: Mapping[str, int]) -> None:
        if self._settings.rate:
            admission = await asyncio.to_thread(self._admit, plane, plan.LOAD_SERVICE)
            load = await supervisor.start(members.load(self._places, self._settings.rate, admission, self._say))
            self._services.append(load)
            await load.ready(START_SECONDS)
            self._progress(f"load: {self._settings.rate:g} calls a second")
        if self._settings.chaos:
            victim = ports[plan.CHAOS_INSTANCE]
            self._services.append(await supervisor.start(members.chaos(victim, self._say)))
            self._progress(f"chaos: {plan.CHAOS_INSTANCE} fails now and then")

    def _admit(self, plane: ControlPlane, service: str) -> Admission:
        # Also for a kept folder: an identity in it may have expired since.
        answer = plane.call(plane.identity.CreateToken, identity_pb2.CreateTokenRequest(service=service))
        return Admission(plane.credential.control_plane, answer.token)

    async def _watch(self, essential: list[Running], supervisor: Supervisor, stopped: "asyncio.Task[bool]") -> None:
        """Until told to stop. A service that ends is told and left to the mesh; one of `essential` ends the demo."""
        telling = [asyncio.create_task(self._tell_end(running)) for running in self._services]
        ends = [asyncio.create_task(_raise_end(running)) for running in essential]
        clock = asyncio.create_task(asyncio.sleep(self._settings.seconds)) if self._settings.seconds else None
        waited = [stopped, *ends, *([clock] if clock else [])]
        try:
            done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                if end in done:
                    end.result()
        finally:
            for task in (*telling, *ends, *([clock] if clock else [])):
                task.cancel()

    async def _tell_end(self, running: Running) -> None:
        exited = await asyncio.shield(running.ended)
        self._say(f"{running.member.name} {exited}; it is not started again{running.last_words()}")

    def _progress(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._began:5.1f} s  {what}")


async def _raise_end(running: Running) -> None:
    exited = await asyncio.shield(running.ended)
    raise NotStarted(f"{running.member.name} {exited}{running.last_words()}")


async def _healthy(plane: ControlPlane, wanted: Set[str], deadline: float) -> None:
    """Until all of these instances are registered and healthy. Raises NotStarted naming those that are not."""
    while True:
        answer = await asyncio.to_thread(plane.call, plane.registry.ListInstances, registry_pb2.ListInstancesRequest())
        missing = wanted - {instance.id for instance in answer.instances if instance.healthy}
        if not missing:
            return
        if time.monotonic() >= deadline:
            raise NotStarted(f"not healthy after {START_SECONDS:g} s: {', '.join(sorted(missing))}")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
