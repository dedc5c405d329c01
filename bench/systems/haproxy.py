"""HAProxy, one thread, HTTP/2 on both sides, the streams and windows that ours has, retry on a failed connection."""

from bench.processes import Pinned, free_port
from bench.systems.base import EVERYWHERE, STREAMS, Running, Setting

HEAD = f"""\
global
    nbthread 1
    maxconn 8192
    tune.h2.max-concurrent-streams {STREAMS}
    tune.h2.initial-window-size 65536
    ssl-default-bind-options ssl-min-ver TLSv1.3
    ssl-default-server-options ssl-min-ver TLSv1.3
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    retries 1
    retry-on conn-failure
    http-reuse always
"""
PLAIN = """\
frontend calls
    bind 127.0.0.1:{port} proto h2
    default_backend echo
backend echo
    server echo 127.0.0.1:{backend} proto h2
"""
EGRESS = """\
frontend calls
    bind 127.0.0.1:{port} proto h2
    default_backend peer
backend peer
    default-server proto h2 ssl alpn h2 crt {c.client_pair} ca-file {c.root} verify required verifyhost echo.bench
    server peer 127.0.0.1:{peer}
"""
INGRESS = """\
frontend calls
    bind 127.0.0.1:{port} proto h2 ssl alpn h2 crt {c.server_pair} ca-file {c.root} verify required
    default_backend echo
backend echo
    server echo 127.0.0.1:{backend} proto h2
"""


class HAProxy:
    name = "haproxy"
    places = EVERYWHERE

    def start(self, setting: Setting) -> Running:
        port = free_port()
        if setting.place == "plain":
            return Running(
                port, (self._run(setting, "plain", port, PLAIN.format(port=port, backend=setting.backend_port)),)
            )
        peer = port if setting.place == "mtls_ingress" else free_port()
        body = INGRESS.format(port=peer, backend=setting.backend_port, c=setting.certificates)
        ingress = self._run(setting, "ingress", peer, body)
        if setting.place == "mtls_ingress":
            return Running(port, (ingress,))
        body = EGRESS.format(port=port, peer=peer, c=setting.certificates)
        return Running(port, (ingress, self._run(setting, "egress", port, body)))

    def _run(self, setting: Setting, role: str, port: int, body: str) -> Pinned:
        path = setting.folder / f"haproxy-{role}.cfg"
        path.write_text(HEAD + body)
        process = Pinned.start(f"haproxy-{role}", ["haproxy", "-db", "-f", str(path)], setting.core, setting.folder)
        process.wait_for_port(port)
        return process
