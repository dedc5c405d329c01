"""The quantities that documents hold, each validated once: durations, names, identities, methods, status codes.

Durations are the Gateway API's (GEP-2257): `^([0-9]{1,5}(h|m|s|ms)){1,4}$`.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

T = TypeVar("T")

DURATION_PATTERN: Final = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
NAME_PATTERN: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
METHOD_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/[A-Za-z_][A-Za-z0-9_]*$"
METHODS_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/([A-Za-z_][A-Za-z0-9_]*|\*)$"
IDENTITY_PATTERN: Final = r"^spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)+(/\*)?$|^spiffe://[a-z0-9._-]{1,255}/\*$"
SERVICE_PATTERN: Final = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
TRUST_DOMAIN_PATTERN: Final = r"^[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])?$"
PERCENT_PATTERN: Final = r"^(100|[0-9]{1,2})%$"
HEADER_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,128}$"
METADATA_NAME_PATTERN: Final = r"^(?!grpc-)(?!.*-bin$)[a-z0-9_.-]{1,128}$"
METADATA_TEXT_PATTERN: Final = r"^[!-~]([ -~]{0,510}[!-~])?$"

_UNITS: Final = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_LONGEST: Final = timedelta(days=1)


def _refuse(cause: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("tulle", "{cause}", {"cause": cause, "hint": hint})


def parse_duration(value: object) -> timedelta:
    """A GEP-2257 string, over 0 and at most 24h, as a `timedelta`."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(DURATION_PATTERN, value):
        raise _refuse(f"{value!r} is not a duration", "write it like 250ms, 2s or 1m30s")
    parts = re.findall(r"([0-9]{1,5})(ms|h|m|s)", value)
    parsed = timedelta(milliseconds=sum(int(number) * _UNITS[unit] for number, unit in parts))
    if not timedelta(0) < parsed <= _LONGEST:
        raise _refuse(f"{value!r} is out of range", "durations are over 0s and at most 24h")
    return parsed


def format_duration(value: timedelta) -> str:
    """The canonical form: `90s` is `1m30s`."""
    rest = round(value.total_seconds() * 1000)
    text = ""
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _matching(pattern: str, what: str, hint: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise _refuse(f"{value!r} is not {what}", hint)
        return value

    return check


def _enforce(value: object) -> object:
    if value == "Shadow":
        raise _refuse("mode Shadow is not supported yet", "write 'mode: Enforce' or leave it out")
    return value


def _percent(value: object) -> str:
    # A bare number is what people write first, and could as well be a count.
    if not isinstance(value, str) or not re.fullmatch(PERCENT_PATTERN, value):
        raise _refuse(f"{value!r} is not a percentage", "write it like 50%, from 0% to 100%")
    return value


Many = Annotated[tuple[T, ...], Strict(False)]
"""A YAML list, kept immutable."""

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["250ms", "2s"]}),
]
Mode = Annotated[Literal["Enforce"], BeforeValidator(_enforce)]


def _text(pattern: str, what: str, hint: str) -> tuple[AfterValidator, WithJsonSchema]:
    return AfterValidator(_matching(pattern, what, hint)), WithJsonSchema({"type": "string", "pattern": pattern})


Name = Annotated[str, *_text(NAME_PATTERN, "a name", "lower-case letters, digits and '-', at most 63, as in DNS")]
ServiceName = Annotated[str, *_text(SERVICE_PATTERN, "a service", "write 'name' or 'namespace/name'")]
MethodName = Annotated[str, *_text(METHOD_PATTERN, "a method", "write 'package.Service/Method', no leading slash")]
MethodPattern = Annotated[
    str, *_text(METHODS_PATTERN, "a method", "write 'package.Service/Method' or 'package.Service/*', no leading slash")
]
Identity = Annotated[
    str,
    *_text(IDENTITY_PATTERN, "a SPIFFE id", "write 'spiffe://trust-domain/namespace/name', or a prefix ending in '/*'"),
]
TrustDomain = Annotated[str, *_text(TRUST_DOMAIN_PATTERN, "a trust domain", "lower case, without 'spiffe://'")]
HeaderName = Annotated[str, *_text(HEADER_PATTERN, "a header name", "letters, digits, '-', '_' and '.'")]
MetadataName = Annotated[
    str,
    *_text(
        METADATA_NAME_PATTERN,
        "a metadata name",
        "lower-case letters, digits, '-', '_' and '.', not beginning with grpc- nor ending with -bin",
    ),
]
MetadataText = Annotated[
    str, *_text(METADATA_TEXT_PATTERN, "a metadata value", "1 to 512 visible ASCII characters, blanks within")
]
Percent = Annotated[
    str, BeforeValidator(_percent), WithJsonSchema({"type": "string", "pattern": PERCENT_PATTERN, "examples": ["50%"]})
]
RetryCode = Literal["CANCELLED", "DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED", "UNAVAILABLE"]
FailureCode = Literal["UNKNOWN", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]
