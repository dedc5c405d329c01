"""The floor: a copy of bytes on one thread, no HTTP. A pair of them with mTLS between is what TLS alone costs."""

from pathlib import Path

from bench.certificates import SERVER_NAME
from bench.load import BINARIES
from bench.processes import Pinned
from bench.systems.base import EVERYWHERE, Running, Setting


class L4:
    name = "l4"
    places = EVERYWHERE

    def start(self, setting: Setting) -> Running:
        if setting.place == "plain":
            return _running(_start(setting, "plain", setting.backend_port, {}))
        c = setting.certificates
        accepting: dict[str, str | Path] = {"--in-ca": c.root, "--in-cert": c.server, "--in-key": c.server_key}
        ingress = _start(setting, "ingress", setting.backend_port, accepting)
        if setting.place == "mtls_ingress":
            return _running(ingress)
        dialling: dict[str, str | Path] = {
            "--out-ca": c.root,
            "--out-cert": c.client,
            "--out-key": c.client_key,
            "--out-name": SERVER_NAME,
        }
        return _running(_start(setting, "egress", _port(ingress), dialling), ingress)


def _start(setting: Setting, role: str, to: int, tls: dict[str, str | Path]) -> Pinned:
    flags: dict[str, str | Path] = {"--listen": "127.0.0.1:0", "--to": f"127.0.0.1:{to}", **tls}
    flags["--die-with-parent"] = "true"
    command = [str(BINARIES / "tulle-l4"), *(str(part) for flag in flags.items() for part in flag)]
    return Pinned.start(f"l4-{role}", command, setting.core, setting.folder)


def _running(entry: Pinned, *more: Pinned) -> Running:
    return Running(_port(entry), (entry, *more))


def _port(process: Pinned) -> int:
    return int(process.ready()["address"].rpartition(":")[2])
