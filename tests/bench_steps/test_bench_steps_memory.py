"""What the engine holds by itself, without an agent's Python around it."""

import subprocess

import pytest

from bench.steps import binary

MOST_MIB = 6


@pytest.mark.real
@pytest.mark.timeout(900)  # builds where nothing is built yet
def test_an_idle_engine_alone_stays_within_6_mib() -> None:
    binary.build()
    program = binary.BINARY.with_name("tulle-engine-alone")
    told = subprocess.run([str(program)], capture_output=True, text=True, check=True, timeout=30).stdout
    assert int(told) / 1024 <= MOST_MIB
