"""Ours. One hop: the engine, its telemetry drained each second. The pair: real sidecars under a control plane."""

import os
import subprocess
import sys
from pathlib import Path

from bench.processes import Pinned, ProcessFailed
from bench.systems.base import AUTHORITY, PLACES, Running, Setting

NAME, NAMESPACE = AUTHORITY.split(".")
CONTROL_CORE = 1
ACCESS = f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: load, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: {NAME}}}]
  action: Allow
  rules: [{{from: [{{identity: "spiffe://tulle.local/{NAMESPACE}/load"}}]}}]
"""


class Tulle:
    name = "tulle"
    places = PLACES

    def start(self, setting: Setting) -> Running:
        return self._hop(setting) if setting.place == "plain" else self._pair(setting)

    def _hop(self, setting: Setting) -> Running:
        command = [sys.executable, "-m", "bench.systems.tulle_hop", "--backend", str(setting.backend_port)]
        hop = Pinned.start("tulle-hop", command, setting.core, setting.folder)
        return Running(_port(hop.ready()["outbound"]), (hop,))

    def _pair(self, setting: Setting) -> Running:
        control = _Control(setting.folder)
        inbound = control.sidecar(NAME, setting, ["--application", f"127.0.0.1:{setting.backend_port}"])
        outbound = control.sidecar("load", setting, [])
        policy = setting.folder / "access.yaml"
        policy.write_text(ACCESS)
        control.tulle("apply", "-f", str(policy), "--wait")
        return Running(_port(outbound.ready()["outbound"]), (inbound, outbound), (control.process,))


class _Control:
    """The control plane, beside the load and off the bill: it carries no call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Not its core: on the load's it takes what is left, else its second of work would be counted as latency.
        command = [
            "nice",
            "-n",
            "19",
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

    def sidecar(self, name: str, setting: Setting, more: list[str]) -> Pinned:
        token = self.tulle("token", "create", f"{NAMESPACE}/{name}").strip()
        command = [sys.executable, "-m", "tulle", "sidecar", "--service", f"{NAMESPACE}/{name}", "--token", token]
        command += ["--control-plane", self.address, "--state", str(self.folder / name), "--workers", "1"]
        command += [part for flag in ("--outbound", "--inbound", "--admin") for part in (flag, "127.0.0.1:0")]
        started = Pinned.start(f"tulle-{name}", command + more, setting.core, self.folder)
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
