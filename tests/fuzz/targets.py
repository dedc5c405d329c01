"""The fuzz targets of `engine/fuzz`: built with coverage, run for a while, and what libFuzzer says of it."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.process import ROOT

FUZZ: Final = ROOT / "engine" / "fuzz"
CACHE: Final = ROOT / ".cache" / "fuzz"
CARGO: Final = ROOT / ".cache" / "cargo"
CARGO_FUZZ: Final = "0.13.2"
# Sanitizers need a nightly compiler, to find what unsafe code does; the only unsafe block here asks for a limit.
BUILD: Final = ("--fuzz-dir", str(FUZZ), "--sanitizer", "none", "--features", "fuzzer")
SLOWEST: Final = 10  # seconds that one input may take
LONGEST: Final = 4096  # bytes of an input
STATUS: Final = re.compile(r"^#(\d+)\s+(\w+)\s+cov: (\d+) ft: (\d+) corp: (\d+)/", re.MULTILINE)


class NotFuzzed(Exception):
    """A tool is missing or the targets were not built; the text says what to do."""


@dataclass(frozen=True)
class Status:
    """A line of libFuzzer's: edges and features seen, inputs kept."""

    runs: int
    event: str
    edges: int
    features: int
    inputs: int


@dataclass(frozen=True)
class Fuzzed:
    """What a target came to: at the corpus' end, at its own end, and the input that broke it."""

    target: str
    begun: Status
    ended: Status
    finding: Path | None

    def failure(self) -> str | None:
        if self.finding is not None:
            kept = f"engine/fuzz/regressions/{self.target}/"
            return f"{self.target}: {self.finding} breaks it; once it is understood, move it to {kept}"
        if self.begun.edges == 0 or self.ended.runs <= self.begun.runs:
            return f"{self.target} was not guided by coverage: see {CACHE / self.target}.log"
        return None


def names() -> list[str]:
    """Every target, in the order of the manifest."""
    manifest = tomllib.loads((FUZZ / "Cargo.toml").read_text())
    return [target["name"] for target in manifest["bin"]]


def prepare() -> None:
    """Installs cargo-fuzz into the cache and builds every target. Raises NotFuzzed."""
    if shutil.which("c++") is None:
        raise NotFuzzed("c++ is missing, libFuzzer is built with it: apt-get install g++")
    if not (CARGO / "bin" / "cargo-fuzz").exists():
        _cargo("install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked", "--quiet", "--root", str(CARGO))
    _fuzz("build", *BUILD)


def fuzz(target: str, seconds: int) -> Fuzzed:
    """Runs one for so long, from the committed corpus and from what earlier runs found beyond it."""
    grown, found, log = CACHE / target, CACHE / "findings" / target, CACHE / f"{target}.log"
    for folder in (grown, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    options = [f"-max_total_time={seconds}", f"-timeout={SLOWEST}", f"-max_len={LONGEST}", f"-artifact_prefix={found}/"]
    options.append(f"-dict={_dictionary(target)}")
    corpora = [str(grown), str(FUZZ / "corpus" / target)]
    command = [str(CARGO / "bin" / "cargo-fuzz"), "run", *BUILD, target, *corpora, "--", *options]
    with log.open("wb") as output:
        done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    findings = sorted(set(found.iterdir()) - before)
    if done.returncode and not findings:
        raise NotFuzzed(f"{target} ended with {done.returncode}: see {log}")
    return read(target, log.read_text(errors="replace"), findings[0] if findings else None)


def read(target: str, log: str, finding: Path | None) -> Fuzzed:
    """What libFuzzer's log says. A target that is broken by its own corpus has no status at all."""
    told = [Status(int(runs), event, *map(int, counts)) for runs, event, *counts in STATUS.findall(log)]
    nothing = Status(0, "INITED", 0, 0, 0)
    begun = next((status for status in told if status.event == "INITED"), nothing)
    return Fuzzed(target, begun, told[-1] if told else nothing, finding)


def _dictionary(target: str) -> Path:
    """Targets without words of their own speak HTTP/2."""
    own = FUZZ / "dictionaries" / f"{target}.dict"
    return own if own.exists() else own.with_stem("http2")


def _fuzz(*arguments: str) -> None:
    _run([str(CARGO / "bin" / "cargo-fuzz"), *arguments])


def _cargo(*arguments: str) -> None:
    _run(["cargo", *arguments])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NotFuzzed(f"{' '.join(command)}:\n{done.stderr[-2000:]}")
