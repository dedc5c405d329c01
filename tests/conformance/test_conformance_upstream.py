"""A server that breaks the protocol costs its call, in time and with the right error, and nobody else's."""

from collections.abc import Iterator

import pytest

from tests.conformance.lane import Lane
from tests.conformance.upstream import Upstream, upstream
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
def test_an_interim_response_goes_on_to_the_caller(sides: Upstream) -> None:
    result = sides.run_interim()
    assert result.passed, result.reason
