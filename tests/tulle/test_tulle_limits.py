"""`tulle describe limits`: every limit with unit and range; what a running sidecar has is tested in tests/sidecar."""

import pytest

from sidecar.limits import LIMITS
from tulle.errors import Unreachable
from tulle.limits_view import defaults, in_force, limits
from tulle.output import Format


def test_the_table_has_a_row_for_each_limit_with_its_unit_and_range() -> None:
    rows = limits.render(defaults(), Format.TABLE).splitlines()[1:]
    assert [row.split()[0] for row in rows] == [limit.name for limit in LIMITS]
    stall = next(row for row in rows if row.startswith("stall_timeout"))
    assert "60s" in stall and "0.1s to 86400s" in stall and "default" in stall


def test_a_port_where_no_sidecar_answers_is_named() -> None:
    with pytest.raises(Unreachable, match=r"--admin 127\.0\.0\.1:1: no sidecar answers there"):
        in_force("127.0.0.1:1")
