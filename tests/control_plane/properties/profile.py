"""How hard properties are tried: the same examples every time, or more and others where the environment says so.

`TULLE_PROPERTIES=50 pytest tests/control_plane/properties` tries fifty times as many, at random.
"""

import os

from hypothesis import HealthCheck, settings

VARIABLE = "TULLE_PROPERTIES"


def trying(examples: int) -> settings:
    """Settings for a property of which `examples` are enough from day to day."""
    factor = int(os.environ.get(VARIABLE, "1"))
    return settings(
        max_examples=examples * factor,
        derandomize=factor == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
