"""The engine's share of the settings."""

from pathlib import Path

from protos.tulle.v1 import engine_pb2
from sidecar.address import HostPort
from sidecar.config import SidecarConfig
from sidecar.health.places import may_listen
from sidecar.limits import encode_limits


def engine_config(
    config: SidecarConfig, instance: str, identity_dir: Path, trace_ratio: float
) -> engine_pb2.EngineConfig:
    """As the engine takes it; without an application there is no inbound side."""
    serves = config.application is not None
    places = may_listen(HostPort.parse(config.application)) if config.application else []
    return engine_pb2.EngineConfig(
        service=config.service_name,
        instance=instance,
        outbound_listen=config.outbound or "",
        inbound_listen=config.inbound if serves else "",
        application=str(places[0]) if places else "",
        application_also=[str(place) for place in places[1:]],
        identity_dir=str(identity_dir),
        workers=config.workers,
        upstream_ports=[
            engine_pb2.UpstreamPort(listen=port.listen, authority=port.authority) for port in config.upstream_ports
        ],
        trace_ratio=trace_ratio,
        limits=encode_limits(config.limits),
    )
