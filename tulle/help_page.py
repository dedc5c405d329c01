"""`tulle --help`, from the table of verbs alone: the page that is asked for most imports nothing."""

from collections.abc import Sequence
from textwrap import wrap

from tulle.verbs import GROUPS, Verb

SUMMARY = "A light service mesh for gRPC that needs no Kubernetes."
WIDTH = 100
CLOSING = (
    "'tulle COMMAND --help' says more. Options may also come from TULLE_<OPTION>, ./mesh.yaml, or your config.",
    "Exit codes: 0 ok, 1 a check failed, 2 usage, 3 not reachable, 4 conflict.",
)


def help_page(verbs: Sequence[Verb]) -> str:
    """The whole page."""
    rows = [(verb.path, verb.summary) for verb in verbs]
    indent = max(len(path) for path, _ in rows) + 4
    lines = [f"{f'  {path}'.ljust(indent)}{summary}" for path, summary in rows]
    closing = [line for text in CLOSING for line in wrap(text, WIDTH)]
    return "\n".join(["Usage: tulle COMMAND [OPTIONS] [ARGS]...", "", SUMMARY, "", "Commands:", *lines, "", *closing])


def summaries(verbs: Sequence[Verb]) -> dict[str, str]:
    """What each verb and group is for, by what is typed first."""
    return {verb.path: verb.summary for verb in verbs} | GROUPS
