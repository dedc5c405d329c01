"""The demo's processes: how each is started. What runs where is in `demo.plan`; nothing is started here."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo import plan
from tulle.child import Spawn
from tulle.supervisor import Member

STOP_SECONDS = "3s"
RELAYED = ("load ", "chaos: ")


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie, below the demo's folder."""

    data: Path

    @property
    def logs(self) -> Path:
        """A file a process."""
        return self.data / "logs"

    @property
    def control_plane(self) -> Path:
        """The control plane's folder."""
        return self.data / "control-plane"

    def sidecar(self, instance: str) -> Path:
        """A sidecar's folder; several instances of a service need one each."""
        return self.data / "sidecars" / instance


def control_plane(places: Places) -> Member:
    """On any free ports."""
    flags = ["--data", str(places.control_plane), "--listen", "127.0.0.1:0", "--trust-domain", plan.TRUST_DOMAIN]
    return _member("control-plane", ["control-plane", *flags])


def dashboard(places: Places, credential: str, port: int) -> Member:
    """On `port`."""
    folder = str(places.data / "dashboard")
    return _member("dashboard", ["dashboard", "--credentials", credential, "--port", str(port), "--data", folder])


@dataclass(frozen=True, slots=True)
class Admission:
    """How a sidecar gets in: where, and with what. A kept sidecar remembers an address that is another one now."""

    control_plane: str
    token: str


def workload(places: Places, what: plan.Workload, port: int, admission: Admission) -> Member:
    """A service of the shop beside its sidecar."""
    labels = [word for name, value in what.labels.items() for word in ("--label", f"{name}={value}")]
    flags = ["--service", what.full_name, "--port", str(port), *labels]
    return _beside(places, what.instance, flags, what.command(port, places.data / "shop"), admission)


def load(places: Places, rate: float, admission: Admission, relay: Callable[[str], None]) -> Member:
    """The shoppers beside their sidecar."""
    return _beside(
        places, "load", ["--service", plan.LOAD_SERVICE], plan.load_command(rate), admission, _filtered(relay)
    )


def chaos(port: int, relay: Callable[[str], None]) -> Member:
    """What makes one payments instance fail, outside the mesh."""
    return Member("chaos", Spawn(plan.chaos_command(port), environment(), signal.SIGTERM, piped=True), _filtered(relay))


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, without settings of ours that were meant for it alone, and with this very code on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TULLE_")}
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(part for part in (root, kept.get("PYTHONPATH", "")) if part)
    # PYTHONSAFEPATH: a folder "demo" where the user happens to stand must not be imported instead of ours.
    return kept | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"} | dict(extra or {})


def _beside(
    places: Places,
    instance: str,
    flags: Sequence[str],
    command: Sequence[str],
    admission: Admission,
    relay: Callable[[str], None] | None = None,
) -> Member:
    own = ["--instance", instance, "--state", str(places.sidecar(instance)), "--workers", "1", "--grace", STOP_SECONDS]
    own += ["--control-plane", admission.control_plane]
    # A token is a secret: in the environment, not among the arguments that every user of this machine can list.
    return _member(instance, ["run", *flags, *own, "--", *command], {"TULLE_TOKEN": admission.token}, relay)


def _member(
    name: str,
    arguments: Sequence[str],
    extra: Mapping[str, str] | None = None,
    relay: Callable[[str], None] | None = None,
) -> Member:
    # SIGTERM when we are gone: each of them stops what it has started itself.
    spawn = Spawn([sys.executable, "-m", "tulle", *arguments], environment(extra), signal.SIGTERM, piped=True)
    return Member(name, spawn, relay)


def _filtered(relay: Callable[[str], None]) -> Callable[[str], None]:
    def on_line(line: str) -> None:
        if line.startswith(RELAYED):
            relay(line)

    return on_line
