"""A server that breaks the protocol costs its call, in time and with the right error, and nobody else's."""

from collections.abc import Iterator

import pytest

from tests.conformance import by_frames
from tests.conformance.by_frames import FrameCase
from tests.conformance.lane import Lane
from tests.conformance.upstream import PART, Upstream, upstream
from tests.conformance.upstream_cases import UpstreamCase, cases


@pytest.fixture(scope="module")
def sides(lane: Lane) -> Iterator[Upstream]:
    with upstream(lane) as both:
        yield both


@pytest.mark.real
@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_server_that_sends(case: UpstreamCase, sides: Upstream) -> None:
    result = sides.run_case(case)
    assert result.passed, result.reason


@pytest.mark.real
@pytest.mark.parametrize("case", by_frames.cases(), ids=str)
def test_a_call_by_frames(case: FrameCase, sides: Upstream) -> None:
    result = case.run(PART, sides.address)
    assert result.passed, result.reason
