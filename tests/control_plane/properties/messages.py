"""Any message of a descriptor: every field absent, at its ends, senseless, or near to what it should be.

The words are what makes deep places reachable: a request of noise alone is refused at the first field.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

DEPTH = 9
MOST = 3  # values of a repeated field
LONG = "l" * 20_000

Words = Mapping[str, Sequence[object]]
"""Plausible values by the field's name."""

TEXT = st.one_of(
    st.sampled_from(["", " ", "\n", "\x00", "/", "../..", "a/b/c", "é/🚀", "%", "-1", "NaN", LONG]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
FLOATS = st.one_of(
    st.sampled_from([0.0, -0.0, -1.0, 5e-324, 1e308, -1e308, float("inf"), float("-inf"), float("nan")]), st.floats()
)
_BOUNDS: Mapping[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}
Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def messages(draw: Draw, descriptor: Descriptor, words: Words, depth: int = DEPTH) -> Message:
    """Messages of this type, at most `depth` deep."""
    made = GetMessageClass(descriptor)()
    choices = {choice.name: draw(st.sampled_from([one.name for one in choice.fields])) for choice in descriptor.oneofs}
    for found in descriptor.fields:
        is_inner = found.message_type is not None
        if found.containing_oneof is not None and choices[found.containing_oneof.name] != found.name:
            continue
        # What holds more is mostly there: else hardly anything deep is ever reached.
        if (is_inner and not depth) or draw(st.integers(0, 9)) < (1 if is_inner else 4):
            continue
        _set(draw, made, found, words, depth)
    return made


def _set(draw: Draw, made: Message, found: FieldDescriptor, words: Words, depth: int) -> None:
    if found.message_type is not None and found.message_type.GetOptions().map_entry:
        key, value = (found.message_type.fields_by_name[name] for name in ("key", "value"))
        for _ in range(draw(st.integers(0, MOST))):
            getattr(made, found.name)[_single(draw, key, words)] = _single(draw, value, words)
    elif found.message_type is not None:
        inner = messages(found.message_type, words, depth - 1)
        if found.is_repeated:
            getattr(made, found.name).extend(draw(st.lists(inner, min_size=draw(st.integers(0, 1)), max_size=MOST)))
        else:
            getattr(made, found.name).CopyFrom(draw(inner))
    elif found.is_repeated:
        getattr(made, found.name).extend(_single(draw, found, words) for _ in range(draw(st.integers(0, MOST))))
    else:
        setattr(made, found.name, _single(draw, found, words))


def _single(draw: Draw, found: FieldDescriptor, words: Words) -> object:
    kind = type(found.default_value)
    known = [word for word in words.get(found.name, ()) if isinstance(word, kind)]
    if known and draw(st.integers(0, 3)):
        return draw(st.sampled_from(known))
    return draw(_noise(found))


def _noise(found: FieldDescriptor) -> st.SearchStrategy[object]:
    if found.cpp_type in _BOUNDS:
        low, high = _BOUNDS[found.cpp_type]
        return st.one_of(st.sampled_from([0, 1, low, high]), st.integers(low, high), st.integers(max(low, -9), 1000))
    match found.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return FLOATS
        case FieldDescriptor.CPPTYPE_ENUM:
            assert found.enum_type is not None
            return st.sampled_from([value.number for value in found.enum_type.values])
    return st.binary(max_size=40) if found.type == FieldDescriptor.TYPE_BYTES else TEXT
