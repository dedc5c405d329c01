"""The application-facing listener of a real sidecar keeps to RFC 9113 and RFC 7541, section by section."""

import pytest

from tests.conformance.run_sections import run_case
from tests.conformance.sections.case import Case
from tests.conformance.sections.catalogue import cases


@pytest.mark.real
@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_listener_keeps_to(case: Case, echo_address: str) -> None:
    result = run_case(case, echo_address)
    assert result.passed, result.reason
