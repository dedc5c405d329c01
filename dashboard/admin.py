"""`/healthz`, `/readyz`, `/metrics` on the dashboard's own ASGI application."""

import contextlib
from collections.abc import Iterator

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from dashboard.feed import Feed
from dashboard.mesh import LinkState

HEALTH_PATHS = frozenset({"/healthz", "/readyz"})
METRICS_PATH = "/metrics"


class Figures:
    """The dashboard's own metrics, in a registry of their own."""

    def __init__(self, feed: Feed) -> None:
        self.registry = CollectorRegistry()
        self.frames = Counter("tulle_dashboard_frames", "Frames sent to tabs.", registry=self.registry)
        self._tabs = Gauge("tulle_dashboard_tabs", "Tabs with a live connection.", registry=self.registry)
        link = Gauge("tulle_dashboard_link_up", "1 while the control plane sends.", registry=self.registry)
        link.set_function(lambda: float(feed.view.link.state is LinkState.UP))
        views = Gauge("tulle_dashboard_views", "Number of the newest view of the mesh.", registry=self.registry)
        views.set_function(lambda: float(feed.view.number))

    @contextlib.contextmanager
    def tab(self) -> Iterator[None]:
        """Counts a tab while it is connected."""
        self._tabs.inc()
        try:
            yield
        finally:
            self._tabs.dec()


def add_routes(server: FastAPI, feed: Feed, figures: Figures) -> None:
    """Adds the three routes; they must come before Dash's catch-all."""

    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    async def readyz() -> Response:
        link = feed.view.link
        if link.state is LinkState.UP:
            return Response("ready\n", media_type="text/plain")
        return Response(f"control plane {link.state}: {link.detail or 'not heard from yet'}\n", 503)

    async def metrics() -> Response:
        return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)

    server.add_api_route("/healthz", healthz, methods=["GET"])
    server.add_api_route("/readyz", readyz, methods=["GET"])
    server.add_api_route(METRICS_PATH, metrics, methods=["GET"])
