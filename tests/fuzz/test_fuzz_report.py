"""What libFuzzer says is read as it is meant, and every target of the issue is there."""

from pathlib import Path

from tests.fuzz.__main__ import line
from tests.fuzz.targets import FUZZ, names, read

LOG = """\
INFO: Loaded 1 modules   (107001 inline 8-bit counters): 107001 [0x55d0, 0x55e0),
#41\tINITED cov: 2087 ft: 5130 corp: 33/5024b exec/s: 0 rss: 60Mb
#9000\tNEW    cov: 2090 ft: 5140 corp: 34/5030b lim: 4096 exec/s: 900 rss: 64Mb L: 9/90 MS: 1 EraseBytes-
#52000\tDONE   cov: 2101 ft: 5190 corp: 40/6kb lim: 4096 exec/s: 866 rss: 70Mb
"""


def test_edges_are_told_from_the_corpus_on() -> None:
    fuzzed = read("sniff", LOG, None)
    assert fuzzed.failure() is None
    assert line(fuzzed).split() == ["sniff", "52000", "2087->2101", "5130->5190", "40"]


def test_a_finding_fails_it_and_says_where_it_belongs() -> None:
    failure = read("sniff", LOG, Path("crash-1")).failure()
    assert failure is not None
    assert "crash-1" in failure
    assert "engine/fuzz/regressions/sniff/" in failure


def test_a_target_without_coverage_fails() -> None:
    blind = read("sniff", LOG.replace("cov: 2087", "cov: 0"), None)
    assert blind.failure() is not None
    assert read("sniff", "", None).failure() is not None


def test_every_target_has_a_corpus_and_a_body() -> None:
    assert len(names()) == 8
    for name in names():
        assert any((FUZZ / "corpus" / name).iterdir()), name
        assert (FUZZ / "src" / f"{name}.rs").exists(), name
