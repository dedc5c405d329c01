"""The one line that a long-running process prints on stdout when it is ready: JSON for programs, words for people."""

import json
import sys
from collections.abc import Mapping


def print_ready(what: str, places: Mapping[str, str]) -> None:
    """`{"ready": what, **places}`, or on a terminal "what is ready: name place  name place"."""
    if sys.stdout.isatty():
        # No commas: a terminal would take one for the end of a link.
        told = "  ".join(f"{name} {place}" for name, place in places.items() if place)
        print(f"{what} is ready: {told}", flush=True)  # noqa: T201 - stdout is data
    else:
        print(json.dumps({"ready": what, **places}), flush=True)  # noqa: T201 - stdout is data
