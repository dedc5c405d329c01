"""A whole mesh of real processes, on free ports, in a folder of its own."""

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import grpc

from tests.support import echo_client
from tests.support.process import ROOT, Child
from tests.support.waiting import until

NAMESPACE = "test"
TRUST_DOMAIN = "test.local"


@dataclass
class Member:
    """One instance: its sidecar and, unless it only calls, its application."""

    service: str
    instance: str
    sidecar: Child
    addresses: dict[str, Any]
    application: Child | None
    application_port: int | None
    record: Path

    def channel(self, service: str) -> grpc.Channel:
        """From this member to another service, by authority."""
        return echo_client.channel(self.addresses["outbound"], authority=f"{service}.{NAMESPACE}")

    def proxied(self, service: str) -> grpc.Channel:
        """The same by HTTP CONNECT, as `grpc_proxy` makes an unchanged application do."""
        return echo_client.channel(f"{service}.{NAMESPACE}:50051", proxy=self.addresses["outbound"])

    def direct(self) -> grpc.Channel:
        """Straight to the application, no mesh between."""
        return echo_client.channel(f"127.0.0.1:{self.application_port}")

    def metrics(self) -> str:
        """What the sidecar's own /metrics says."""
        with urllib.request.urlopen(f"http://{self.addresses['admin']}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """kill -9 of sidecar and application: the endpoint is gone at once."""
        for child in (self.sidecar, self.application):
            if child is not None:
                child.kill()

    def recorded(self) -> list[str]:
        """Ids of the calls that reached the application."""
        return [line.split()[0] for line in self.record.read_text().splitlines()] if self.record.exists() else []


@dataclass
class Mesh:
    """Processes and their folder; `close` ends them all and fails when one does not end well."""

    folder: Path
    control: Child | None = None
    control_address: str = ""
    members: list[Member] = field(default_factory=list)

    def start_control_plane(self) -> Self:
        listen = self.control_address or "127.0.0.1:0"
        arguments = ["control-plane", "--data", str(self.data), "--listen", listen, "--trust-domain", TRUST_DOMAIN]
        self.control = Child.python("control-plane", "tulle", arguments, self.folder)
        self.control_address = self.control.ready()["address"]
        return self

    @property
    def data(self) -> Path:
        return self.folder / "control-plane"

    def tulle(self, *arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The command line as the operator."""
        done = subprocess.run(
            [sys.executable, "-m", "tulle", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            input=stdin,
            env={**os.environ, "NO_COLOR": "1", "TULLE_CREDENTIALS": str(self.data / "operator.json")},
            check=False,
        )
        assert not check or done.returncode == 0, f"tulle {arguments}: {done.returncode}: {done.stderr}"
        return done

    def service(self, name: str, replicas: int = 1, labels: dict[str, str] | None = None) -> list[Member]:
        """Instances of an echo service, registered and healthy."""
        started = [self.member(name, labels or {}, with_application=True) for _ in range(replicas)]
        self.wait_for_instances(name, {member.instance for member in started})
        return started

    def caller(self, name: str = "client") -> Member:
        """A workload that only calls."""
        return self.member(name, {}, with_application=False)

    def member(self, name: str, labels: dict[str, str], *, with_application: bool) -> Member:
        instance = f"{name}-{len(self.members)}"
        record, application, port = self.folder / f"{instance}.record", None, None
        if with_application:
            arguments = ["--record", str(record), "--instance", instance]
            application = Child.python(f"{instance}-app", "tests.support.echo_server", arguments, self.folder)
            port = int(application.first_line().split()[1])
        sidecar = self.sidecar(name, instance, port, labels)
        member = Member(name, instance, sidecar, sidecar.ready(), application, port, record)
        self.members.append(member)
        return member

    def sidecar(self, name: str, instance: str, application_port: int | None, labels: dict[str, str]) -> Child:
        """A started sidecar, perhaps not ready yet."""
        command = [*self.sidecar_program(), *self.sidecar_arguments(name, instance, application_port, labels)]
        return Child.start(instance, command, self.folder)

    def sidecar_program(self) -> list[str]:
        return [sys.executable, "-m", "tulle"]

    def sidecar_arguments(self, name: str, instance: str, port: int | None, labels: dict[str, str]) -> list[str]:
        state = self.folder / f"{instance}-state"
        joined = (state / "instance").exists()
        arguments = ["sidecar", "--service", f"{NAMESPACE}/{name}", "--instance", instance, "--state", str(state)]
        for flag in ("--outbound", "--inbound", "--admin"):
            arguments += [flag, "127.0.0.1:0"]
        arguments += ["--control-plane", self.control_address]
        arguments += [] if joined else ["--token", self.token(name)]
        arguments += ["--application", f"127.0.0.1:{port}"] if port else []
        return arguments + [part for label in labels.items() for part in ("--label", "=".join(label))]

    def token(self, name: str) -> str:
        return self.tulle("token", "create", f"{NAMESPACE}/{name}").stdout.strip()

    def apply(self, yaml: str, *, wait: bool = True) -> int:
        """Write documents; the revision, acknowledged by every sidecar."""
        path = self.folder / "policy.yaml"
        path.write_text(yaml)
        done = self.tulle("apply", "-f", str(path), "-o", "json", *(["--wait"] if wait else []))
        return int(json.loads(done.stdout)["revision"])

    def allow(self, target: str, *callers: str) -> None:
        """An AccessPolicy that lets callers in; waits for everyone's acknowledgement."""
        identities = ", ".join(f'{{identity: "spiffe://{TRUST_DOMAIN}/{NAMESPACE}/{name}"}}' for name in callers)
        self.apply(
            f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: {target}-callers, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: {target}}}]
  action: Allow
  rules: [{{from: [{identities}]}}]
"""
        )

    def wait_for_instances(self, name: str, wanted: set[str]) -> None:
        until(lambda: wanted <= self.healthy_instances(name), f"healthy instances {sorted(wanted)} of {name}")

    def healthy_instances(self, name: str) -> set[str]:
        answer = self.tulle("describe", f"{NAMESPACE}/{name}", "-o", "json", check=False).stdout
        described = json.loads(answer) if answer else {}  # until its first instance has registered there is no service
        return {instance["id"] for instance in described.get("instances", []) if instance.get("healthy")}

    def reaches(self, caller: Member, service: str) -> None:
        """Wait until the caller's sidecar knows the service and a call gets through."""
        with caller.channel(service) as via:
            until(lambda: echo_client.call(via, "Unary", [b"?"]).code is grpc.StatusCode.OK, f"a call to {service}")

    def close(self) -> None:
        """End sidecars first, then applications, then the control plane; each exits 0 unless a test killed it."""
        codes = {}
        for member in self.members:
            for child in (member.sidecar, member.application):
                if child is not None and child.process.poll() is None:
                    codes[child.name] = child.stop()
        if self.control is not None and self.control.process.poll() is None:
            codes["control-plane"] = self.control.stop()
        assert not [name for name, code in codes.items() if code], codes
