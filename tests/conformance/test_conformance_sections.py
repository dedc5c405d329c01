"""The application-facing listener of a real sidecar keeps to RFC 9113 and RFC 7541, section by section."""

import pytest

from tests.conformance.run_sections import run_case
from tests.conformance.sections.case import Case
from tests.conformance.sections.catalogue import cases
from tests.conformance.sections.h2spec_counterparts import COUNTERPARTS, PLAIN


@pytest.mark.real
@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_listener_keeps_to(case: Case, echo_address: str) -> None:
    result = run_case(case, echo_address)
    assert result.passed, result.reason


def test_each_case_of_h2spec_has_a_counterpart() -> None:
    ours, wanted = {str(case) for case in cases()}, [name for names in COUNTERPARTS.values() for name in names]
    assert len(wanted) == 147
    assert wanted.count(PLAIN) == 2
    assert set(wanted) - ours == {PLAIN}
