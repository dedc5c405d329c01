"""What a command beside a sidecar is given, and the refusals before anything starts."""

from pathlib import Path

import pytest

from sidecar.config import SETTINGS
from tulle.command_environment import Capture, command_environment
from tulle.main import run


def test_the_command_finds_the_outbound_listener_and_never_sees_the_token() -> None:
    base = {"PATH": "/bin", "TULLE_TOKEN": "secret", "TULLE_SERVICE": "shop/orders", "no_proxy": "localhost"}
    assert command_environment(base, "127.0.0.1:7440", Capture.GRPC) == {
        "PATH": "/bin",
        "no_proxy": "localhost",
        "grpc_proxy": "http://127.0.0.1:7440",
        "TULLE_OUTBOUND": "127.0.0.1:7440",
    }


def test_https_proxy_is_set_when_asked_for_alone() -> None:
    assert "https_proxy" not in command_environment({}, "127.0.0.1:1", Capture.GRPC)
    assert command_environment({}, "127.0.0.1:1", Capture.HTTPS_TOO)["HTTPS_PROXY"] == "http://127.0.0.1:1"


def test_without_an_outbound_listener_no_proxy_is_set() -> None:
    assert command_environment({"PATH": "/bin"}, "", Capture.GRPC) == {"PATH": "/bin"}


@pytest.mark.parametrize("verb", ["sidecar", "run"])
def test_every_setting_of_a_sidecar_is_a_flag(verb: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run([verb, "--help"], {}, tmp_path) == 0
    page = capsys.readouterr().out
    beside_run = {"application"} if verb == "run" else set()
    missing = [
        word
        for key, setting in SETTINGS.items()
        if key not in beside_run
        for word in (setting.flag.partition("/")[0], setting.variable)
        if word not in page
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--service", "tulle/x", "--", "true"], "error[usage]: --service (TULLE_SERVICE): 'tulle' is reserved"),
        (["--service", "shop/x", "--", "no-such-command"], "error[usage]: COMMAND no-such-command: no such command"),
        (["--service", "shop/x", "--label", "v2", "--", "true"], "error[usage]: --label 'v2' has no '='"),
        (["--service", "shop/x", "--grace", "5m", "--", "true"], "error[usage]: --grace 5m is out of range"),
        (["--service", "shop/x", "--admin", "0.0.0.0:0", "--", "true"], "error[usage]: --admin (TULLE_ADMIN): "),
        (["--service", "shop/x", "--port", "http", "--", "true"], "error[usage]: invalid value for '--port'"),
        (["--service", "shop/x"], "error[usage]: missing argument 'command'"),
    ],
)
def test_a_wrong_flag_is_one_line_naming_it(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["run", *arguments], {}, tmp_path) == 2
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert told.count("\n") == 1
