"""The small reading of flags equals typer's, for the two verbs that use it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tulle.commands.run import run
from tulle.commands.sidecar import sidecar
from tulle.errors import UsageProblem
from tulle.lazy_group import load
from tulle.plain_flags import read_flags
from tulle.verbs import VERBS

CASES = [
    ("run", ["--service", "shop/a", "--", "python", "x.py", "--port", "1"], {}),
    ("run", ["--service=shop/a", "--port=50051", "--https-proxy", "true"], {}),
    ("run", ["--label", "version=v1", "--label", "zone=a", "--service", "a", "true"], {"TULLE_PORT": "7"}),
    ("run", ["--no-otlp", "--state", "here", "--", "true"], {"TULLE_SERVICE": "shop/b", "TULLE_LABELS": "a=b c=d"}),
    ("sidecar", ["--application", "127.0.0.1:1"], {"TULLE_SERVICE": "shop/a", "TULLE_OTLP": "false"}),
    ("sidecar", ["--service", "x", "--upstream", "127.0.0.1:0=a.b", "--weight", "3"], {"TULLE_WEIGHT": "9"}),
]
FUNCTIONS: dict[str, Callable[..., Any]] = {"run": run, "sidecar": sidecar}


@pytest.mark.parametrize(("verb", "arguments", "environ"), CASES)
def test_both_readings_are_equal(
    verb: str, arguments: list[str], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings = {"grace": "9s", "workers": 2}
    command = load(next(row for row in VERBS if row.path == verb), verb, settings)
    by_typer: dict[str, Any] = command.make_context(verb, list(arguments)).params
    absent_lists = {name: None for name, value in by_typer.items() if value == ()}
    assert read_flags(FUNCTIONS[verb], arguments, environ, settings) == by_typer | absent_lists


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--servce", "x"], "no such option: --servce"),
        (["--service"], "option '--service' requires an argument"),
        (["--", "true"], "missing option '--service'"),
        (["--service", "a/b"], "missing argument 'command'"),
        (["--service", "a/b", "--port", "0", "--", "true"], "invalid value for '--port': 0 is out of range"),
        (["--service", "a/b", "--workers", "x", "--", "true"], "invalid value for '--workers': 'x' is no whole number"),
    ],
)
def test_a_wrong_flag_is_named(arguments: list[str], cause: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_flags(run, arguments, {}, {})
    assert caught.value.cause == cause
    assert caught.value.hint


def test_a_sidecar_carries_no_pydantic(tmp_path: Path) -> None:
    program = (
        "import sys; from tulle.main import run; from pathlib import Path;"
        "import tulle.runner, sidecar.telemetry.otlp;"
        "code = run(['run', '--service', 'a/b', '--', 'no-such-command'], {}, Path('/nonexistent'));"
        "print('pydantic' in sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "False\n"), done.stderr
