"""Results are written between the page's markers, and nothing else is touched."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench import page, plots
from bench.figures import Results
from bench.store import Record
from tests.bench.bench_records import FULL, QUIET, record, rounds

PAGE = f"# How fast?\n\nBefore.\n\n{page.BEGIN}\nold\n{page.END}\n\nAfter.\n"


@pytest.fixture
def records() -> list[Record]:
    made = [record("nginx", 1, failure="nginx does not listen"), record("haproxy", 1, {"failed": 2.0, "cpu_us": 0.001})]
    for system, cpu in (("direct", 0.0), ("tulle", 1.0), ("envoy", 10.0)):
        made += rounds(system, FULL, cpu_us=(cpu, cpu), calls_per_s=(1000.0, 1000.0), failed=(0.0, 0.0))
        made += rounds(system, QUIET, cpu_us=(cpu, cpu), p99_us=(100.0 + cpu, 100.0 + cpu), failed=(0.0, 0.0))
    return made


def test_only_what_is_between_the_markers_changes(tmp_path: Path, records: list[Record]) -> None:
    path = tmp_path / "performance.md"
    path.write_text(PAGE)
    page.write(records, path)
    text = path.read_text()
    assert text.startswith("# How fast?\n\nBefore.\n\n")
    assert text.endswith("\n\nAfter.\n")
    assert "old" not in text
    page.write(records, path)
    assert path.read_text() == text, "writing twice is writing once"


@pytest.mark.parametrize("text", ["# No markers", f"# One\n{page.BEGIN}\n", f"{page.END}\n{page.BEGIN}\n"])
def test_a_page_without_markers_is_refused_by_their_names(text: str) -> None:
    with pytest.raises(page.NoMarkers, match=page.BEGIN):
        page.between(text, "new")


def test_the_committed_page_has_its_markers() -> None:
    assert page.between(page.PAGE.read_text(), "new")


def test_the_section_names_machine_commit_verdicts_and_failures(records: list[Record]) -> None:
    section = page.section(records)
    assert "2 cores of a test" in section
    assert "commit abc" in section
    assert "| hop: CPU a call, saturated | 1 | envoy 10 | ≤ 0.12 × | 0.1 | [0.1 to 0.1] | 2 | met |" in section
    assert "| plain, unary 100 B 10x10 saturated | nginx | 1 | nginx does not listen |" in section
    assert "| plain, unary 100 B 10x10 saturated | haproxy | 1 | 2 failed calls |" in section
    assert "0.001" not in section, "a figure with failures is not a figure"


def test_every_row_of_a_table_has_as_many_cells_as_its_head(records: list[Record]) -> None:
    for block in page.section(records).split("\n\n"):
        widths = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(widths) <= 1, block


def test_plots_are_the_same_bytes_for_the_same_figures(tmp_path: Path, records: list[Record]) -> None:
    results = Results(records)
    first, second = plots.draw(results, tmp_path / "a"), plots.draw(results, tmp_path / "b")
    assert {path.name for path in first} == set(page.IMAGES)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        ET.fromstring(one.read_text())  # noqa: S314
        assert not any(line.endswith(" ") for line in one.read_text().splitlines())
