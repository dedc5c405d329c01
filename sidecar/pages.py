"""What the admin server shows of this sidecar."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from sidecar.admin import Page, Pages
from sidecar.discovery import Discovery
from sidecar.engine import Engine
from sidecar.health.verdict import Health
from sidecar.registration import Registration
from sidecar.sessions import KeptOpen
from sidecar.telemetry.drain import Drain


@dataclass(frozen=True, slots=True)
class Shown:
    """What the pages look at."""

    engine: Engine
    discovery: Discovery
    watch: KeptOpen
    health: Health
    registration: Registration | None
    drain: Drain
    stopping: asyncio.Event
    facts: Mapping[str, object]


def pages(shown: Shown) -> Pages:
    """Path by path."""
    return {
        "/healthz": _alive,
        "/readyz": lambda: _ready(shown),
        "/metrics": lambda: _metrics(shown),
        "/describe": lambda: _describe(shown),
    }


async def _alive() -> Page:
    return Page.text("ok")


async def _ready(shown: Shown) -> Page:
    missing = {
        "stopping": shown.stopping.is_set(),
        "no identity in force": shown.engine.identity() is None,
        "no snapshot in force": not shown.discovery.in_force.is_set(),
        f"the application is not healthy: {shown.health.reason}": not shown.health.healthy,
    }
    causes = [cause for cause, holds in missing.items() if holds]
    return Page.text("; ".join(causes), HTTPStatus.SERVICE_UNAVAILABLE) if causes else Page.text("ready")


async def _metrics(shown: Shown) -> Page:
    from sidecar.telemetry import prometheus
    from sidecar.telemetry.series import metrics

    body = await asyncio.to_thread(lambda: prometheus.render(metrics(shown.drain.counters().parsed())))
    return Page(body, prometheus.CONTENT_TYPE)


async def _describe(shown: Shown) -> Page:
    identity = shown.engine.identity()
    agent = {
        **shown.facts,
        "identity": identity.spiffe_id if identity else None,
        "certificate_not_after_unix": identity.not_after if identity else None,
        "revision": shown.discovery.revision,
        "control_plane_connected": shown.watch.connected,
        "application_healthy": shown.health.healthy,
        "application_unhealthy_reason": shown.health.reason or None,
        "lease_id": shown.registration.lease_id if shown.registration else None,
    }
    text = json.dumps({"agent": agent, "engine": json.loads(await shown.engine.describe())}, indent=2)
    return Page(text.encode() + b"\n", "application/json")
