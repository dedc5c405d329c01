"""Ours. One hop and the ingress: the engine, its telemetry drained. The pair: real sidecars under a control plane."""

import os
import subprocess
import sys
from pathlib import Path

from bench.processes import Pinned, ProcessFailed
from bench.systems.base import EVERYWHERE, Place, Running, Setting
from bench.systems.policy import NAME, NAMESPACE, Policy, documents, sidecar_environment, sidecar_flags

CONTROL_CORE = 1


class Tulle:
    def __init__(self, name: str = "tulle", policy: Policy = "default", places: tuple[Place, ...] = EVERYWHERE) -> None:
        self.name = name
        self.places = places
        self._policy = policy

    def start(self, setting: Setting) -> Running:
        return self._pair(setting) if setting.place == "mtls_pair" else self._engine(setting)

    def _engine(self, setting: Setting) -> Running:
        command = [sys.executable, "-m", "bench.systems.tulle_hop", "--backend", str(setting.backend_port)]
        command += ["--policy", self._policy]
        if setting.place == "mtls_ingress":
            command += ["--identity", str(setting.folder)]
        hop = Pinned.start("tulle-hop", command, setting.core, setting.folder)
        return Running(_port(hop.ready()["address"]), (hop,))

    def _pair(self, setting: Setting) -> Running:
        control = _Control(setting.folder)
        started: list[Pinned] = []
        for name, more in ((NAME, ["--application", f"127.0.0.1:{setting.backend_port}"]), ("load", [])):
            flags = [*more, *sidecar_flags(self._policy)]
            started.append(control.sidecar(name, setting, flags, sidecar_environment(self._policy)))
        policy = setting.folder / "policy.yaml"
        policy.write_text(documents(self._policy))
        control.tulle("apply", "-f", str(policy), "--wait")
        # It stands on the load's core, which is not its place: its second of work would be counted as latency.
        control.process.yield_to_all()
        return Running(_port(started[-1].ready()["outbound"]), tuple(started), (control.process,))


class _Control:
    """The control plane, beside the load and off the bill: it carries no call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [
            sys.executable,
            "-m",
            "tulle",
            "control-plane",
            "--listen",
            "127.0.0.1:0",
            "--data",
            str(folder / "cp"),
        ]
        self.process = Pinned.start("control-plane", command, CONTROL_CORE, folder)
        self.address = self.process.ready()["address"]

    def sidecar(self, name: str, setting: Setting, more: list[str], environment: dict[str, str]) -> Pinned:
        token = self.tulle("token", "create", f"{NAMESPACE}/{name}").strip()
        command = [sys.executable, "-m", "tulle", "sidecar", "--service", f"{NAMESPACE}/{name}", "--token", token]
        command += ["--control-plane", self.address, "--state", str(self.folder / name)]
        command += [part for flag in ("--outbound", "--inbound", "--admin") for part in (flag, "127.0.0.1:0")]
        started = Pinned.start(f"tulle-{name}", command + more, setting.core, self.folder, environment)
        started.ready()
        return started

    def tulle(self, *arguments: str) -> str:
        environment = {**os.environ, "TULLE_CREDENTIALS": str(self.folder / "cp" / "operator.json")}
        command = [sys.executable, "-m", "tulle", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
        if done.returncode:
            raise ProcessFailed(f"tulle {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
