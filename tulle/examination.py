"""Asking everything that `tulle check` needs: this machine, and the control plane, each once."""

import importlib
import time
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from cryptography import x509

from protos.tulle.v1 import discovery_pb2, policy_pb2, registry_pb2, telemetry_pb2
from tulle import checks
from tulle.checks import Finding, Life, State
from tulle.client import ControlPlane
from tulle.errors import InvalidPolicy

SLOW_SECONDS = 1.0


def sqlite_version() -> tuple[int, ...] | None:
    """Of the library that apsw carries; None where there is none."""
    try:
        text = importlib.import_module("apsw").sqlite_lib_version()
    except ImportError:
        return None
    return tuple(int(part) for part in text.split("."))


def engine_file() -> str | None:
    """The name of the engine's extension; None where it was not built."""
    found = find_spec("sidecar._engine")
    return Path(found.origin).name if found and found.origin else None


def examine(plane: ControlPlane, now: datetime, margin: timedelta) -> list[Finding]:
    """All findings about the mesh. Raises Unreachable."""
    began = time.monotonic()
    documents: policy_pb2.ListResponse = plane.call(plane.policy.List, policy_pb2.ListRequest())
    took = time.monotonic() - began
    proxies = plane.call(plane.discovery.ListProxies, discovery_pb2.ListProxiesRequest()).proxies
    instances = plane.call(plane.registry.ListInstances, registry_pb2.ListInstancesRequest()).instances
    topology = plane.call(plane.telemetry.GetTopology, telemetry_pb2.TopologyRequest(window_ms=60_000))
    declared = [f"{d.key.namespace}/{d.key.name}" for d in documents.documents if d.key.kind == "Service"]
    connected = sum(proxy.connected for proxy in proxies)
    return [
        _answer(plane.credential.control_plane, took),
        *(life.finding(now, "make a new one: see 'tulle control-plane --help'") for life in _lives(plane)),
        *checks.check_certificates(topology.nodes, now, margin),
        *checks.check_data_plane(proxies, instances, declared),
        *checks.check_configuration(proxies, len(documents.documents), documents.revision, _warnings(plane, documents)),
        *checks.check_telemetry(topology, connected),
    ]


def _answer(address: str, took: float) -> Finding:
    told = f"{address} answers in {took * 1000:.0f} ms"
    return Finding("control plane", State.OK if took < SLOW_SECONDS else State.WARN, told)


def _lives(plane: ControlPlane) -> list[Life]:
    named = (("the operator's certificate", plane.credential.certificate_pem), ("the root", plane.credential.root_pem))
    return [
        Life(name, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        for name, pem in named
        for certificate in x509.load_pem_x509_certificates(pem)
    ]


def _warnings(plane: ControlPlane, documents: policy_pb2.ListResponse) -> list[str]:
    """What the control plane would say if all documents were written once more; nothing is."""
    sources = [
        policy_pb2.Source(file=f"{d.key.kind} {d.key.namespace}/{d.key.name}", yaml=d.yaml) for d in documents.documents
    ]
    if not sources:
        return []
    try:
        answer = plane.call(plane.policy.Apply, policy_pb2.ApplyRequest(sources=sources, dry_run=True, author="check"))
    except InvalidPolicy as error:
        return list(error.problems)
    return list(answer.warnings)
