"""ARIA attributes, whose hyphens Python's keyword arguments cannot carry."""

from typing import Any


def aria(**attributes: str) -> dict[str, Any]:
    """``aria(label="Pages")`` for ``**`` into a component of Dash."""
    return {f"aria-{name}": value for name, value in attributes.items()}
