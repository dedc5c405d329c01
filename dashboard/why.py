"""The "why?" popover: a button that stays, over reasons that change."""

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.aria import aria


def why_popover(name: str) -> Any:
    """A button and its popover; callbacks fill the children of ``{name}-why``."""
    button = html.Button("why?", type="button", className="plain", id=f"{name}-why-button", **aria(haspopup="dialog"))
    return dmc.Popover(
        [dmc.PopoverTarget(button), dmc.PopoverDropdown(html.Div(id=f"{name}-why"))],
        width=380,
        position="bottom",
        withArrow=True,
        withRoles=False,  # they would sit on a wrapper without a role; the button says it itself
        shadow="md",
    )
