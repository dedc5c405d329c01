"""OTLP's attributes and points, as they are read."""

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

from control_plane.telemetry.points import attributes
from control_plane.telemetry.spans import LONGEST_VALUE, MAX_ATTRIBUTES, read_spans
from protos import names


def pair(key: str, **value: object) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))  # type: ignore[arg-type] # one of its kinds


def spans_of(*pairs: KeyValue) -> otlp.ScopeSpans:
    return otlp.ScopeSpans(spans=[otlp.Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="n", attributes=pairs)])


def test_scalars_are_read_as_they_are_those_that_are_empty_or_nought_too() -> None:
    pairs = [
        pair("text", string_value="a"),
        pair("empty", string_value=""),
        pair("yes", bool_value=True),
        pair("no", bool_value=False),
        pair("number", int_value=-3),
        pair("nought", int_value=0),
        pair("real", double_value=0.0),
    ]
    assert attributes(pairs) == {
        "text": "a",
        "empty": "",
        "yes": True,
        "no": False,
        "number": -3,
        "nought": 0,
        "real": 0.0,
    }
    assert type(attributes(pairs)["no"]) is bool


def test_lists_bytes_and_what_has_no_value_are_left_out() -> None:
    pairs = [pair("list", array_value=ArrayValue()), pair("bytes", bytes_value=b"b"), pair("none"), KeyValue(key="k")]
    assert attributes(pairs) == {}


def test_a_spans_attributes_are_text_of_bounded_number_and_length() -> None:
    pairs = [pair("long", string_value="x" * 2_000), pair("no", bool_value=False), pair("nought", int_value=0)]
    pairs += [pair(f"k{index}", string_value="v") for index in range(MAX_ATTRIBUTES)]
    ((trace_id, span),) = read_spans("shop/orders", [spans_of(*pairs)])
    assert trace_id == (b"t" * 16).hex()
    assert span.attributes["long"] == "x" * LONGEST_VALUE
    assert (span.attributes["no"], span.attributes["nought"]) == ("False", "0")
    assert len(span.attributes) == MAX_ATTRIBUTES


def test_a_spans_status_is_read_under_each_of_its_names_the_newest_first() -> None:
    newest, older, oldest = names.RPC_STATUS, "rpc.status_code", "rpc.grpc.status_code"
    for pairs, status in (
        ([pair(newest, string_value="UNAVAILABLE")], 14),
        ([pair(older, string_value="5")], 5),
        ([pair(oldest, int_value=13)], 13),
        ([pair(oldest, int_value=13), pair(newest, string_value="OK")], 0),
        ([pair(newest, string_value="no such status")], 0),
        ([], 0),
    ):
        ((_, span),) = read_spans("shop/orders", [spans_of(*pairs)])
        assert (span.grpc_status, span.error) == (status, status != 0)
