"""The command line's frame: help, unknown words, flags, settings, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tulle.main import run
from tulle.verbs import VERBS

HEAVY = ("typer", "rich", "grpc", "yaml", "google.protobuf", "pydantic", "control_plane", "sidecar", "dashboard")


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["--help"], {}, tmp_path) == 0
    page = capsys.readouterr().out
    assert [verb.path for verb in VERBS if verb.path not in page] == []


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from tulle.main import run; from pathlib import Path; run(['--help'], {}, Path.cwd());"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("verb", [verb.path for verb in VERBS])
def test_every_verb_has_a_help_page_and_imports_no_grpc_for_it(verb: str) -> None:
    program = (
        "import sys; from tulle.main import run; from pathlib import Path;"
        f"code = run({[*verb.split(), '--help']!r}, {{}}, Path('/nonexistent'));"
        "print('grpc' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"Usage: tulle {verb}" in done.stdout
    assert done.stderr.strip() == "False"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["aply"], "error[usage]: aply: no such command (did you mean 'apply'?)"),
        (["history", "--limt", "3"], "error[usage]: no such option: --limt (Possible options: --limit)"),
        (["history", "--limit", "0"], "error[usage]: invalid value for '--limit'"),
        (["get", "secrets"], "error[usage]: KIND 'secrets': no such kind (did you mean 'services'?)"),
        (["token", "create", "a/b/c"], "error[usage]: SERVICE 'a/b/c' is no service name"),
        (
            ["stat", "--window", "5 minutes"],
            "error[usage]: --window '5 minutes' is not a duration (write it like 250ms",
        ),
        (["stat", "--window", "1h"], "error[usage]: --window 1h is out of range (give 1s to 900s)"),
        (["apply", "-f", "/nonexistent.yaml"], "error[usage]: --file /nonexistent.yaml: no such file or folder"),
        (["history", "--credentials", "/none.json"], "error[usage]: --credentials /none.json: no such file"),
    ],
)
def test_a_wrong_word_is_one_line_naming_it_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(arguments, {}, tmp_path) == 2
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert told.count("\n") == 1


def test_no_credential_anywhere_says_where_it_was_looked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert run(["history"], {}, tmp_path) == 2
    told = capsys.readouterr().err
    assert str(tmp_path / ".tulle" / "control-plane" / "operator.json") in told
    assert "TULLE_CREDENTIALS" in told


def test_a_setting_comes_from_mesh_yaml_and_a_variable_goes_before_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mesh.yaml").write_text("credentials: /from/mesh.json\n")
    assert run(["history"], {}, tmp_path) == 2
    assert "/from/mesh.json" in capsys.readouterr().err
    monkeypatch.setenv("TULLE_CREDENTIALS", "/from/variable.json")
    assert run(["history"], {}, tmp_path) == 2
    assert "/from/variable.json" in capsys.readouterr().err
    assert run(["history", "--credentials", "/from/flag.json"], {}, tmp_path) == 2
    assert "/from/flag.json" in capsys.readouterr().err


def test_an_unknown_setting_is_refused_with_file_key_and_suggestion(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mesh.yaml").write_text("credntials: x\n")
    assert run(["history"], {}, tmp_path) == 2
    told = capsys.readouterr().err
    assert "mesh.yaml: credntials: no such setting (did you mean 'credentials'?)" in told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["completion", shell], {}, tmp_path) == 0
    assert "_TULLE_COMPLETE" in capsys.readouterr().out
