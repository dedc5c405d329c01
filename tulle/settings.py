"""Settings from files: ./mesh.yaml over the user's own. Flags and `TULLE_*` variables go before both.

Keys are options' long names: `credentials: path`, `output: wide`, `window: 30s`. A key that no verb has is an error.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tulle.errors import UsageProblem

PROJECT_FILE = "mesh.yaml"
KNOWN = (
    "admin-listen",
    "author",
    "control-plane",
    "credentials",
    "data",
    "inbound-listen",
    "limit",
    "listen",
    "outbound-listen",
    "output",
    "port",
    "quiet",
    "rate",
    "reason",
    "service",
    "timeout",
    "trace-ratio",
    "trust-domain",
    "window",
    "workers",
)


def user_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's own settings lie (XDG base directory specification)."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/")) / ".config") / "tulle"


def read_settings(here: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """Both files merged, by option name ("outbound_listen"). Raises UsageProblem naming file and key."""
    merged: dict[str, Any] = {}
    for file in (user_folder(environ) / "config.yaml", here / PROJECT_FILE):
        if file.is_file():
            merged |= _read(file)
    return merged


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        cause = " ".join(str(error).split())
        raise UsageProblem(
            f"settings file {file}: {cause}", "it holds options' names and values, one a line"
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageProblem(f"settings file {file}: a mapping is expected", "write 'option: value', one a line")
    for key in content:
        if key not in KNOWN:
            near = get_close_matches(str(key), KNOWN, 1)
            hint = f"did you mean '{near[0]}'?" if near else "keys are: " + ", ".join(KNOWN)
            raise UsageProblem(f"settings file {file}: {key}: no such setting", hint)
    return {key.replace("-", "_"): value for key, value in content.items()}
