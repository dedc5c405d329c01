"""What RFC 9113 calls malformed goes no further, costs its own call alone, and is named with field, rule and author."""

import enum
from collections.abc import Iterator

import pytest

from tests.calls.application import Fields, alone, answer
from tests.calls.place import Place, settled
from tests.conformance.lane import CALLER, Lane
from tests.support.mesh import NAMESPACE, TRUST_DOMAIN

pytestmark = pytest.mark.real

DENIED = "/raw.v1.Raw/Secret"
SPELLINGS = (
    DENIED,
    "/" + DENIED,
    "/raw.v1.Raw//Secret",
    "/./raw.v1.Raw/Secret",
    "/raw.v1.Raw/./Secret",
    "/x/../raw.v1.Raw/Secret",
    "/raw.v1.Raw/%53ecret",
    "/raw.v1.Raw%2FSecret",
    "/raw.v1.Raw%2fSecret",
    "/raw.v1.Raw/Secret/",
    "/raw.v1.Raw/Secret%00",
    "/raw.v1.Raw/Secret?x=y",
    "/raw.v1.Raw/Secret#x",
    "/raw.v1.Raw\\Secret",
    "/raw.v1.Raw/x/..%2fSecret",
)
POLICY = f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: malformed-denied, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: malformed}}]
  action: Deny
  rules:
  - from: [{{identity: "spiffe://{TRUST_DOMAIN}/{NAMESPACE}/{CALLER}"}}]
    to: [{{methods: ["{DENIED.removeprefix("/")}"]}}]
"""


class Verdict(enum.Enum):
    """What becomes of a message with such a field."""

    REFUSED = "refused"
    PASSED = "passed"


# A space around a value passes and a tab does not (docs/decisions/010): gRPC and RFC 9113 §8.2.1 have two rules.
BLANKS = {
    "a blank first": (" a", Verdict.PASSED),
    "a blank last": ("a ", Verdict.PASSED),
    "a tab first": ("\ta", Verdict.REFUSED),
    "a tab last": ("a\t", Verdict.REFUSED),
    "one blank alone": (" ", Verdict.PASSED),
}
AUTHORITIES = ("joe@malformed.test", "joe:secret@malformed.test:50051", "@malformed.test")
STATUS = ("grpc-status", "3")
BROKEN: dict[str, tuple[Fields, str]] = {
    "a line feed in the message": ((STATUS, ("grpc-message", "a\nb")), "grpc-message"),
    "a carriage return in the message": ((STATUS, ("grpc-message", "a\rb")), "grpc-message"),
    "a NUL in the message": ((STATUS, ("grpc-message", "a\0b")), "grpc-message"),
    "a line feed in a field": ((STATUS, ("x-odd", "a\nb")), "x-odd"),
    "a capital in a name": ((STATUS, ("X-Odd", "a")), "x-odd"),
    "a blank in a name": ((STATUS, ("x odd", "a")), "x odd"),
    "a connection field": ((STATUS, ("connection", "close")), "connection"),
    "a transfer encoding": ((STATUS, ("transfer-encoding", "chunked")), "transfer-encoding"),
    "a pseudo-header": ((STATUS, (":status", "200")), ":status"),
}


@pytest.fixture(scope="module")
def malformed(calls_lane: Lane) -> Iterator[Place]:
    with settled(calls_lane, "malformed") as place:
        calls_lane.apply(POLICY)
        yield place


@pytest.mark.parametrize("path", SPELLINGS)
def test_a_rule_that_denies_a_method_holds_against_every_spelling_of_its_path(path: str, malformed: Place) -> None:
    before = len(malformed.app.calls)
    with malformed.connect() as caller:
        refused, allowed = caller.call(path=path), caller.call()
    assert allowed.status == "0", allowed.told()
    assert [call.path for call in malformed.app.calls[before:]] == ["/raw.v1.Raw/Call"], refused.told()
    assert refused.status not in ("0", None), refused.told()


@pytest.mark.parametrize("path", ["/raw.v1.Raw/Secrets", "/raw.v1.Rawx/Secret", "/a.b_c/D_1"])
def test_a_path_that_is_another_method_is_not_denied(path: str, malformed: Place) -> None:
    with malformed.connect() as caller:
        seen = caller.call(path=path)
    assert seen.status == "0", seen.told()


@pytest.mark.parametrize(("value", "verdict"), BLANKS.values(), ids=BLANKS)
def test_a_space_around_a_value_passes_and_a_tab_is_no_request(value: str, verdict: Verdict, malformed: Place) -> None:
    _assert_is(verdict, malformed, ("x-odd", value))


@pytest.mark.parametrize("value", ["a b", "a\tb", "", "a  b"])
def test_white_space_within_a_value_passes(value: str, malformed: Place) -> None:
    _assert_is(Verdict.PASSED, malformed, ("x-odd", value))


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_user_info_is_no_part_of_an_authority(authority: str, malformed: Place) -> None:
    _assert_is(Verdict.REFUSED, malformed, authority=authority)


@pytest.mark.parametrize("host", ["other.test", "malformed.test:1", "malformed.test.evil"])
def test_an_authority_unlike_the_host_is_refused(host: str, malformed: Place) -> None:
    _assert_is(Verdict.REFUSED, malformed, ("host", host))


def test_an_authority_that_the_host_repeats_is_fine(malformed: Place) -> None:
    _assert_is(Verdict.PASSED, malformed, ("host", malformed.authority))


@pytest.mark.parametrize(("value", "verdict"), BLANKS.values(), ids=BLANKS)
def test_a_space_around_a_trailer_passes_and_a_tab_is_no_answer(value: str, verdict: Verdict, malformed: Place) -> None:
    malformed.app.scripts["blanks"] = answer(trailers=(("grpc-status", "0"), ("x-odd", value)))
    with malformed.connect() as caller:
        seen, next_one = caller.case("blanks"), caller.call()
    assert next_one.status == "0", next_one.told()
    if verdict is Verdict.PASSED:
        assert (seen.status, seen.fields["x-odd"]) == ("0", value), seen.told()
        return
    assert seen.status == "13", seen.told()
    assert "x-odd" in seen.text


@pytest.mark.parametrize(("value", "verdict"), BLANKS.values(), ids=BLANKS)
def test_a_space_around_a_status_message_is_handed_on(value: str, verdict: Verdict, malformed: Place) -> None:
    malformed.app.scripts["text"] = answer(trailers=(STATUS, ("grpc-message", value)))
    with malformed.connect() as caller:
        seen = caller.case("text")
    is_whole = (seen.status, seen.fields.get("grpc-message")) == ("3", value)
    assert is_whole is (verdict is Verdict.PASSED), seen.told()


@pytest.mark.parametrize("place", ["trailers", "trailers alone"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_trailer_that_breaks_a_rule_is_named_with_field_and_author(broken: str, place: str, malformed: Place) -> None:
    trailers, field = BROKEN[broken]
    malformed.app.scripts["broken"] = answer(trailers=trailers) if place == "trailers" else alone(*trailers)
    with malformed.connect() as caller:
        seen, next_one = caller.case("broken"), caller.call()
    assert next_one.status == "0", "the connections go on"
    assert seen.status == "13", seen.told()
    assert "the application" in seen.text
    assert field in seen.text.lower(), seen.told()
    assert "reset the stream" not in seen.text, "it reset nothing"


def _assert_is(verdict: Verdict, place: Place, *more: tuple[str, str], authority: str | None = None) -> None:
    """What becomes of a request with these fields; the connection goes on in any case."""
    before = len(place.app.calls)
    with place.upstream_port() as caller:
        seen, next_one = caller.call(*more, authority=authority), caller.call()
    assert next_one.status == "0", next_one.told()
    came = place.app.calls[before:]
    if verdict is Verdict.PASSED:
        assert seen.status == "0", seen.told()
        assert set(more) <= set(came[0].fields)
    else:
        assert seen.status not in ("0", None), seen.told()
        assert len(came) == 1, "the application never sees it"
