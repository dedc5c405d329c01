"""Live data to a tab: one persistent websocket callback each, which never has more than one frame under way.

Before each frame the tab is asked whether it is visible and live. The answer is also the acknowledgement of the frame
before, so a slow tab gets fewer frames instead of a queue, and a hidden or paused one gets none.
"""

import asyncio
from datetime import timedelta
from typing import Any

from dash import Dash, ctx
from dash.exceptions import PreventUpdate, WebsocketDisconnected

from dashboard.admin import Figures
from dashboard.feed import Feed
from dashboard.frames import frame_data, shape_data

HEARTBEAT = timedelta(seconds=2)  # a frame at least this often, so that the tab knows it is connected
_FRAME_GAP = 0.25  # at most 4 frames a second
_ANSWER = 10.0
_SILENT_ANSWERS = 3  # then the tab is gone while others share its websocket; one that only slept reloads itself


def register(app: Dash, feed: Feed, figures: Figures) -> None:
    """Adds the callback; Dash starts it once a tab and again after a lost connection."""

    @app.callback(websocket=True, persistent=True)
    async def live() -> None:
        socket = ctx.websocket
        if socket is None:
            raise PreventUpdate
        with figures.tab():
            await _stream(socket, feed, figures)


async def _stream(socket: Any, feed: Feed, figures: Figures) -> None:
    number, shape, silent = 0, -1, 0
    while not socket.is_shutdown and silent < _SILENT_ANSWERS:
        view = await feed.newer(number, HEARTBEAT)
        number = view.number
        try:
            tab = await socket.get_prop("tab", "data", timeout=_ANSWER)
        except TimeoutError:
            silent += 1
            continue
        except WebsocketDisconnected:
            return
        silent = 0
        if tab and tab.get("visible") and tab.get("live"):
            if view.shape.version != shape:
                socket.set_prop_sync("shape", "data", shape_data(view))
                shape = view.shape.version
            socket.set_prop_sync("frame", "data", frame_data(view))
            figures.frames.inc()
        await asyncio.sleep(_FRAME_GAP)
