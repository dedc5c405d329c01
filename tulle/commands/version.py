"""`tulle version`."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


def version() -> None:
    """Show the version."""
    print(f"tulle {number()}")  # noqa: T201 - stdout is data


def number() -> str:
    """The installed distribution's version; "0.0.0+source" in a checkout that was never installed."""
    try:
        return installed("tulle")
    except PackageNotFoundError:
        return "0.0.0+source"
