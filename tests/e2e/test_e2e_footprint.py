"""What an idle sidecar costs."""

from pathlib import Path

import pytest

from tests.support.mesh import Mesh
from tests.support.waiting import until

IDLE_MIB = 45
SCRAPED_MIB = 53
"""prometheus-client and what it imports (an HTTP server, OpenSSL) come with the first scrape of /metrics."""


def resident_mib(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@pytest.mark.real
def test_an_idle_sidecar_stays_within_45_mib(mesh: Mesh) -> None:
    (echo,) = mesh.service("echo")
    assert resident_mib(echo.sidecar.process.pid) <= IDLE_MIB


@pytest.mark.real
def test_one_that_prometheus_scrapes_stays_within_53_mib(mesh: Mesh) -> None:
    (echo,) = mesh.service("echo")
    exported = "tulle.config.revision".replace(".", "_")
    until(lambda: exported in echo.metrics(), "telemetry on its way")
    assert resident_mib(echo.sidecar.process.pid) <= SCRAPED_MIB
