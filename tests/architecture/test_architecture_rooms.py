"""The house's own rules, held by a test: sizes of files, edges of crates, nothing of one machine in the tree."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$|Cargo\.lock$|requirements\.lock$|/corpus/")
CODE = {".py", ".pyi", ".rs", ".js", ".css", ".proto", ".sh"}
LONGEST = 400
# proxy -> mesh -> nothing of ours, proxy -> http2 -> nothing of ours, python -> proxy.
EDGES = {
    "tulle-http2": set(),
    "tulle-mesh": set(),
    "tulle-proxy": {"tulle-mesh", "tulle-http2"},
    "tulle-python": {"tulle-proxy"},
    "tulle-sim": {"tulle-proxy", "tulle-mesh", "tulle-http2"},
}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if not GENERATED.search(name) and (ROOT / name).is_file()]


def test_no_hand_written_file_is_over_400_lines() -> None:
    sizes = {p.relative_to(ROOT): p.read_text().count("\n") for p in tracked() if p.suffix in CODE}
    assert not {str(name): lines for name, lines in sizes.items() if lines > LONGEST}


def test_the_engines_crates_import_one_way() -> None:
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    done = subprocess.run(command, cwd=ROOT / "engine", capture_output=True, text=True, check=True)
    packages = json.loads(done.stdout)["packages"]
    edges = {
        package["name"]: {
            d["name"] for d in package["dependencies"] if d["name"].startswith("tulle-") and d["kind"] is None
        }
        for package in packages
    }
    assert set(edges) == set(EDGES)
    assert all(edges[name] <= allowed for name, allowed in EDGES.items()), edges


def test_http2_and_mesh_forbid_unsafe_code_and_know_no_socket() -> None:
    for crate in ("http2", "mesh"):
        sources = [p for p in tracked() if p.is_relative_to(ROOT / "engine" / crate / "src")]
        assert "#![forbid(unsafe_code)]" in (ROOT / "engine" / crate / "src" / "lib.rs").read_text()
        assert not [p for p in sources if re.search(r"std::net::(Tcp|Udp)|\bmio::|std::thread", p.read_text())]


def test_only_io_rooms_of_the_proxy_know_sockets() -> None:
    inside = ROOT / "engine" / "proxy" / "src"
    sources = [p for p in tracked() if p.is_relative_to(inside) and not p.is_relative_to(inside / "io")]
    assert sources
    assert not [str(p) for p in sources if re.search(r"\bmio::|TcpStream|TcpListener|socket2", p.read_text())]


def test_no_file_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w.])/(work|root|home/\w+)/\w")
    text = [p for p in tracked() if p.suffix not in {".png", ".ico"} and p != Path(__file__)]
    assert not [str(p) for p in text if place.search(p.read_text(errors="replace"))]


def test_sidecar_engine_alone_imports_the_extension() -> None:
    """import-linter cannot see a compiled module."""
    importing = re.compile(r"^\s*(from sidecar import .*\b_engine\b|(from|import) sidecar\._engine)", re.MULTILINE)
    rooms = [p for p in tracked() if p.suffix == ".py" and not p.is_relative_to(ROOT / "tests")]
    found = {str(p.relative_to(ROOT)) for p in rooms if importing.search(p.read_text())}
    assert found == {"sidecar/engine.py"}
