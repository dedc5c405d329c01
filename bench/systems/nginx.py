"""nginx, one worker, HTTP/2 in and gRPC out. It opens one upstream connection a call in flight: it cannot multiplex."""

from pathlib import Path

from bench.processes import Pinned, free_port
from bench.systems.base import EVERYWHERE, STREAMS, Running, Setting

FRAME = """\
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid {folder}/{role}.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    http2_max_concurrent_streams {streams};
    http2_body_preread_size 65536;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    grpc_buffer_size 64k;
    upstream next {{ server 127.0.0.1:{next}; keepalive 4096; keepalive_requests 1000000000; }}
    server {{
        {listen}
        location / {{ {forward} grpc_next_upstream error; grpc_next_upstream_tries 2; }}
    }}
}}
"""
PLAIN_IN = "listen 127.0.0.1:{port} http2;"
PLAIN_OUT = "grpc_pass grpc://next;"
TLS_IN = (
    "listen 127.0.0.1:{port} ssl http2; ssl_protocols TLSv1.3; ssl_certificate {c.server};"
    " ssl_certificate_key {c.server_key}; ssl_client_certificate {c.root}; ssl_verify_client on;"
)
TLS_OUT = (
    "grpc_pass grpcs://next; grpc_ssl_protocols TLSv1.3; grpc_ssl_certificate {c.client};"
    " grpc_ssl_certificate_key {c.client_key}; grpc_ssl_trusted_certificate {c.root};"
    " grpc_ssl_verify on; grpc_ssl_name echo.bench; grpc_ssl_server_name on;"
)


class Nginx:
    name = "nginx"
    places = EVERYWHERE

    def start(self, setting: Setting) -> Running:
        port = free_port()
        listen = PLAIN_IN.format(port=port)
        if setting.place == "plain":
            return Running(port, (self._run(setting, "plain", port, listen, PLAIN_OUT, setting.backend_port),))
        peer = port if setting.place == "mtls_ingress" else free_port()
        tls_in, tls_out = (text.format(port=peer, c=setting.certificates) for text in (TLS_IN, TLS_OUT))
        ingress = self._run(setting, "ingress", peer, tls_in, PLAIN_OUT, setting.backend_port)
        if setting.place == "mtls_ingress":
            return Running(port, (ingress,))
        return Running(port, (ingress, self._run(setting, "egress", port, listen, tls_out, peer)))

    def _run(self, setting: Setting, role: str, port: int, listen: str, forward: str, upstream: int) -> Pinned:
        path = setting.folder / f"nginx-{role}.conf"
        path.write_text(_frame(setting.folder, role, upstream, listen, forward))
        command = ["nginx", "-e", "stderr", "-p", str(setting.folder), "-c", str(path)]
        process = Pinned.start(f"nginx-{role}", command, setting.core, setting.folder)
        process.wait_for_port(port)
        return process


def _frame(folder: Path, role: str, upstream: int, listen: str, forward: str) -> str:
    return FRAME.format(folder=folder, role=role, next=upstream, listen=listen, forward=forward, streams=STREAMS)
