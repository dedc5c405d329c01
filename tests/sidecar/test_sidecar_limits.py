"""The limits that are told are those that the engine keeps to: names, units, defaults and ranges."""

import json

import pytest

from protos.tulle.v1 import engine_pb2
from sidecar._engine import Engine, InvalidConfig
from sidecar.config import SidecarConfig
from sidecar.errors import InvalidSettingError
from sidecar.limits import BY_NAME, LIMITS, SECONDS, Limit, encode_limits, read_limits

MOST_ON_THE_WIRE = (1 << 32) - 1


def described(given: dict[str, str]) -> dict[str, float]:
    config = engine_pb2.EngineConfig(service="shop/front", instance="front-1", limits=encode_limits(given))
    told: dict[str, float] = json.loads(Engine(config.SerializeToString()).describe())["limits"]
    return {name.removesuffix("_s"): value for name, value in told.items()}


def test_every_limit_of_the_engine_has_its_row_and_no_other() -> None:
    fields = {field.name for field in engine_pb2.Limits.DESCRIPTOR.fields}
    assert set(BY_NAME) == fields == set(described({}))


def test_what_is_not_given_has_the_default_that_is_told() -> None:
    assert described({}) == {limit.name: limit.default for limit in LIMITS}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_the_ends_of_its_range_reach_the_engine(limit: Limit) -> None:
    for end in (limit.least, limit.most):
        assert described({limit.name: limit.shown(end)})[limit.name] == end


@pytest.mark.parametrize(
    "limit", [limit for limit in LIMITS if limit.most < MOST_ON_THE_WIRE], ids=lambda limit: limit.name
)
def test_the_engine_refuses_what_lies_beyond_by_name(limit: Limit) -> None:
    beyond = limit.most + 1
    limits = engine_pb2.Limits()
    if limit.unit == SECONDS:
        getattr(limits, limit.name).seconds = beyond
    else:
        setattr(limits, limit.name, beyond)
    config = engine_pb2.EngineConfig(service="shop/front", instance="front-1", limits=limits)
    with pytest.raises(InvalidConfig, match=limit.name):
        Engine(config.SerializeToString())


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"resets": "0"}, "resets='0' is not from 1 to 1000000"),
        ({"stall_timeout": "1m"}, "stall_timeout='1m' is no number of seconds, such as 60s"),
        ({"max_header_fields": "2.5"}, "max_header_fields='2.5' is no whole number, such as 128"),
        ({"patience": "1"}, "'patience' is no limit; 'tulle describe limits' lists them"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_with_flag_cause_and_remedy(given: dict[str, str], cause: str) -> None:
    with pytest.raises(InvalidSettingError) as refused:
        SidecarConfig(service="shop/front", limits=given)
    assert str(refused.value) == f"--limit (TULLE_LIMIT): {cause}"


def test_a_limit_is_written_as_name_and_value() -> None:
    assert read_limits(["resets=1", "stall_timeout=2.5s"]) == {"resets": "1", "stall_timeout": "2.5s"}
    with pytest.raises(ValueError, match="'resets' has no '='; write name=value"):
        read_limits(["resets"])
