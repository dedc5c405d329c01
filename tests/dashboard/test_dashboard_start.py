"""Starting and stopping: settings, credential, session file, signals; one clear error each."""

import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.client import read_credential
from dashboard.config import DashboardConfig
from dashboard.errors import AddressInUse, BadCredential, BadSessionFile, DashboardError, InsecureAddress
from dashboard.server import bind
from dashboard.sessions import SESSION_FILE, SESSION_LIFE, open_sessions
from tests.dashboard.dashboard_double import ControlPlaneDouble
from tests.dashboard.dashboard_harness import config_for

_SERVE = """
import sys
from pathlib import Path
from dashboard.app import DashboardConfig, serve
config = DashboardConfig(credential=Path(sys.argv[1]), session_dir=Path(sys.argv[2]), port=0)
serve(config, lambda link: print(link, flush=True))
print("stopped", flush=True)
"""


@pytest.fixture
def config(tmp_path: Path) -> DashboardConfig:
    return DashboardConfig(credential=tmp_path / "operator.json", session_dir=tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "dashboard.example"])  # noqa: S104
def test_a_reachable_address_needs_tls_or_an_explicit_word(config: DashboardConfig, host: str) -> None:
    with pytest.raises(InsecureAddress, match="give --tls-certificate and --tls-key, or --insecure"):
        replace(config, host=host)
    assert replace(config, host=host, insecure=True).host == host
    assert replace(config, host=host, tls_certificate=Path("c"), tls_key=Path("k")).tls


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_loopback_needs_nothing(config: DashboardConfig, host: str) -> None:
    assert replace(config, host=host).loopback


def test_settings_out_of_range_name_their_flag(config: DashboardConfig) -> None:
    with pytest.raises(DashboardError, match="--port 70000"):
        replace(config, port=70000)
    with pytest.raises(DashboardError, match="--tls-certificate and --tls-key belong together"):
        replace(config, tls_key=Path("k"))
    with pytest.raises(DashboardError, match="window"):
        replace(config, window=timedelta(hours=1))
    with pytest.raises(DashboardError, match="period"):
        replace(config, period=timedelta())


def test_a_credential_that_cannot_be_used_is_named_with_its_cause(tmp_path: Path) -> None:
    path = tmp_path / "operator.json"
    with pytest.raises(BadCredential, match="no such file"):
        read_credential(path)
    path.write_text("no json")
    with pytest.raises(BadCredential, match="is not the JSON of an operator credential"):
        read_credential(path)
    path.write_text('{"controlPlane": "127.0.0.1:1"}')
    with pytest.raises(BadCredential, match="its field root_pem is empty"):
        read_credential(path)


def test_the_token_is_kept_in_a_private_file_and_survives_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "session"
    first, second = open_sessions(folder, lambda: 0.0), open_sessions(folder, lambda: 0.0)
    mode = (folder / SESSION_FILE).stat().st_mode

    assert first.token == second.token
    assert second.valid(first.issue())
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_session_expires(tmp_path: Path) -> None:
    session = open_sessions(tmp_path, lambda: 0.0).issue()
    life = SESSION_LIFE.total_seconds()

    assert open_sessions(tmp_path, lambda: life - 1).valid(session)
    assert not open_sessions(tmp_path, lambda: life).valid(session)


def test_a_session_file_that_others_may_read_or_that_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / SESSION_FILE
    open_sessions(tmp_path, lambda: 0.0)
    path.chmod(0o644)
    with pytest.raises(BadSessionFile, match="others may read it"):
        open_sessions(tmp_path, lambda: 0.0)
    path.chmod(0o600)
    path.write_text("{}")
    with pytest.raises(BadSessionFile, match="is damaged; delete it"):
        open_sessions(tmp_path, lambda: 0.0)


def test_a_taken_port_is_one_clear_error() -> None:
    taken = bind("127.0.0.1", 0)
    try:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"cannot listen on 127.0.0.1:{port}: address already in use"):
            bind("127.0.0.1", port)
    finally:
        taken.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_its_link_and_stops_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    double = ControlPlaneDouble()
    double.port = 1
    config = config_for(double, tmp_path)
    arguments = [sys.executable, "-c", _SERVE, str(config.credential), str(config.session_dir)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        assert process.stdout.readline() == "stopped\n"
        assert process.wait(timeout=5) == 0
