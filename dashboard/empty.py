"""What stands where there is no data: the one command to run."""

from typing import Any

from dash import html

from dashboard.mesh import LinkState, MeshView

DEMO_COMMAND = "tulle demo"
RUN_COMMAND = "tulle run --service shop/orders --port 50051 -- python app.py"


def no_services() -> Any:
    """For a mesh that nothing has joined yet."""
    return html.Div(
        [
            html.H2("No service has joined the mesh yet"),
            html.P("Put a sidecar beside your own service:"),
            html.Pre(html.Code(RUN_COMMAND)),
            html.P(["or watch a shop of small services: ", html.Code(DEMO_COMMAND)]),
        ],
        className="empty",
    )


def waiting(view: MeshView) -> Any:
    """For the time before the first telemetry: says what is missing."""
    if view.link.state is LinkState.DOWN:
        return html.Div(
            [
                html.H2("The control plane cannot be reached"),
                html.P(view.link.detail),
                html.P("Start it with:"),
                html.Pre(html.Code("tulle control-plane")),
                html.P("This page goes on by itself as soon as it answers."),
            ],
            className="empty",
        )
    return html.Div([html.H2("Waiting for the control plane …")], className="empty")


def instead(view: MeshView) -> Any | None:
    """What to show instead of data, None where there is some."""
    if not view.seen:
        return waiting(view)
    return None if view.topology.nodes else no_services()
