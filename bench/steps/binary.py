"""The program whose instructions are counted: how it is built, and which scenarios it knows."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TARGET = ROOT / "engine" / "target"  # shared with the engine: what both take from others is built once
BINARY = TARGET / "release" / "tulle-steps"


class CannotCount(Exception):
    """Nothing could be counted; the text names what is missing or broke, and the remedy."""


def build() -> None:
    """Build it with the engine's release profile. Raises CannotCount."""
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", str(TARGET)]
    try:
        done = subprocess.run(command, cwd=HERE, check=False)
    except FileNotFoundError as error:
        raise CannotCount("cargo is missing: install Rust by rustup, see https://rustup.rs") from error
    if done.returncode:
        raise CannotCount("cargo could not build bench/steps: see its output above")


def scenarios() -> dict[str, str]:
    """Every scenario by name, with the unit that one of it is: "call" or "drain"."""
    listed = subprocess.run([str(BINARY)], capture_output=True, text=True, check=True).stdout
    return dict(line.split() for line in listed.splitlines())
