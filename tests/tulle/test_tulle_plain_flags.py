"""The small reading of flags equals typer's, for the two verbs that use it."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.tulle.declared_flags import declared
from tulle.commands.run import run
from tulle.commands.sidecar import sidecar
from tulle.errors import UsageProblem
from tulle.lazy_group import load
from tulle.plain_flags import read_flags
from tulle.staying_flags import FLAGS
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
    assert read_flags(FLAGS[verb], arguments, environ, settings) == by_typer | absent_lists


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
        read_flags(FLAGS["run"], arguments, {}, {})
    assert caught.value.cause == cause
    assert caught.value.hint


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_the_flags_that_are_read_are_those_that_are_declared(verb: str) -> None:
    assert {flag.name: flag for flag in FLAGS[verb]} == {flag.name: flag for flag in declared(FUNCTIONS[verb])}


HEAVY = ("typer", "click", "pydantic", "rich", "cryptography", "opentelemetry.sdk", "prometheus_client", "yaml")


@pytest.mark.parametrize(("verb", "rest"), [("sidecar", []), ("run", ["--", "no-such-command"])])
def test_a_verb_that_stays_carries_nothing_that_it_does_not_use(verb: str, rest: list[str]) -> None:
    """A sidecar's life has room for neither a command line's machinery nor an exporter's."""
    program = (
        "import sys; from tulle.main import run; from pathlib import Path; import sidecar.telemetry.home;"
        f"code = run({[verb, '--service', 'a/b', '--weight', '0', *rest]!r}, {{}}, Path('/nonexistent'));"
        f"print([name for name in {HEAVY!r} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "[]\n"), done.stderr
