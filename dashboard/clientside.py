"""Callbacks that run in the browser: functions of the namespace "tulle" in assets/."""

from typing import Any

from dash import ClientsideFunction


def in_browser(app: Any, function: str, *dependencies: Any) -> None:
    """Binds a function of assets/ to outputs, inputs and states, in this order. No inline script is made."""
    app.clientside_callback(ClientsideFunction("tulle", function), *dependencies)
