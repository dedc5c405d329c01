"""However much is wrong with a request, its refusal fits into the trailers that every gRPC client takes."""

from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from control_plane.brevity import LONGEST_TEXT, shortened
from protos.tulle.v1 import identity_pb2, policy_pb2, registry_pb2
from tests.control_plane.properties.methods import method_of
from tests.control_plane.properties.profile import trying
from tests.control_plane.properties.served import Served
from tulle.client import explain
from tulle.errors import InvalidPolicy

SIZES = (1_000, 9_000, 20_000, 3_000_000)


def _unknown_fields(count: int) -> str:
    fields = "".join(f"  unknown-field-{number}: 1\n" for number in range(count))
    return f"apiVersion: tulle.dev/v1\nkind: Service\nmetadata: {{name: a}}\nspec:\n{fields}"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", ["x", "é", "🚀", "%", "\n"])
def test_a_field_of_any_length_is_refused_in_readable_words(text: str, size: int, plane: Served) -> None:
    long = text * (size // len(text.encode()))
    source = policy_pb2.Source(file=long, yaml="[")
    requests: dict[tuple[str, str], Message] = {
        ("Operator", "Identity/CreateToken"): identity_pb2.CreateTokenRequest(service=long),
        ("Operator", "Policy/Apply"): policy_pb2.ApplyRequest(sources=[source]),
        ("Operator", "Policy/Describe"): policy_pb2.DescribeRequest(service=long),
        ("Workload", "Registry/Register"): registry_pb2.RegisterRequest(id="a", port=1, address=long),
    }
    for (caller, path), request in requests.items():
        answer = plane.call(caller, method_of(f"/tulle.v1.{path}"), request)
        assert answer.code is grpc.StatusCode.INVALID_ARGUMENT, (path, answer.details[:200])


@pytest.mark.parametrize("count", [1, 30, 100, 1_000])
def test_problems_of_any_number_reach_the_operator_who_hears_of_all(count: int, plane: Served) -> None:
    source = policy_pb2.Source(file="some/folder/of/policies/file.yaml", yaml=_unknown_fields(count))
    made = method_of("/tulle.v1.Policy/Apply").begin(
        plane.callers["Operator"], iter([policy_pb2.ApplyRequest(sources=[source])]), 20
    )
    with pytest.raises(grpc.RpcError) as caught:
        list(made)
    error = explain(caught.value, "here")
    assert isinstance(error, InvalidPolicy), error
    assert error.problems[0].startswith("some/folder/of/policies/file.yaml:5: spec.unknown-field-0")
    assert error.cause.startswith(f"{count} problem")
    assert len(error.problems) == count or f"{count - len(error.problems)} of them not shown" in error.cause
    assert len(error.problems) >= min(count, 20)


@trying(200)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.integers(0, 2_000), st.integers(10, 5_000))
def test_a_shortened_text_is_its_beginning_and_fits(text: str, times: int, longest: int) -> None:
    long = text * times
    short = shortened(long, longest)
    assert len(quote(short, safe="".join(map(chr, (*range(0x20, 0x25), *range(0x26, 0x7F)))))) <= longest
    assert short == long or (short.endswith("…") and long.startswith(short[:-1]))


def test_a_short_text_is_left_alone() -> None:
    assert shortened("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
