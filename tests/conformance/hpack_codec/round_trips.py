"""Random field lists between our HPACK and Python's `hpack`, many blocks a connection, tables of changing size."""

import random
import time
from collections.abc import Sequence
from typing import Final

from hpack import Decoder, Encoder
from hpack.struct import HeaderTuple, NeverIndexedHeaderTuple

from tests.conformance.hpack_codec.codec import Codec, Field, Refused
from tests.conformance.result import Result

PART: Final = "hpack round trips"
SEEDS: Final = 50
BLOCKS: Final = 20  # of a connection
_NAMES: Final = (
    b":path",
    b":status",
    b"content-type",
    b"cookie",
    b"grpc-timeout",
    b"x-request-id",
    b"te",
    b"trace-bin",
)
_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyz0123456789-_."


def run(codec: Codec) -> list[Result]:
    """A row a seed and direction."""
    return [
        _run(codec, name, seed, way)
        for name, way in (("their encoder, our decoder", _to_us), ("our encoder, their decoder", _from_us))
        for seed in range(SEEDS)
    ]


def _run(codec: Codec, name: str, seed: int, way: object) -> Result:
    begun, reason = time.monotonic(), ""
    codec.start_afresh()
    try:
        assert callable(way)
        way(codec, random.Random(seed))
    except (AssertionError, Refused) as error:
        reason = f"{type(error).__name__}: {error}"[:300]
    return Result(PART, f"{name}, seed {seed}", reason, time.monotonic() - begun)


def _to_us(codec: Codec, chance: random.Random) -> None:
    encoder, beside, pool = Encoder(), Decoder(max_header_list_size=1 << 24), _pool(chance)
    for number in range(BLOCKS):
        if chance.random() < 0.2:
            encoder.header_table_size = chance.choice((0, 64, 300, 4_095, 4_096))
        sent = chance.choices(pool, k=chance.randint(0, 20))
        block = encoder.encode([_tuple(field) for field in sent], huffman=chance.random() < 0.5)
        # Their encoder drops the mark of a field that is in a table already; their decoder says what the block says.
        wanted = _fields(beside, block)
        assert [field[:2] for field in wanted] == [field[:2] for field in sent]
        _compare(number, codec.decode(block), wanted)


def _from_us(codec: Codec, chance: random.Random) -> None:
    decoder, pool = Decoder(max_header_list_size=1 << 24), _pool(chance)
    for number in range(BLOCKS):
        if chance.random() < 0.2:
            size = chance.choice((0, 64, 300, 4_096, 1 << 20))
            codec.set_table(size)
            decoder.max_allowed_table_size = size
        sent = chance.choices(pool, k=chance.randint(0, 20))
        _compare(number, _fields(decoder, codec.encode(sent)), sent)


def _fields(decoder: Decoder, block: bytes) -> list[Field]:
    return [Field(*pair, never=isinstance(pair, NeverIndexedHeaderTuple)) for pair in decoder.decode(block, raw=True)]


def _compare(block: int, came: Sequence[Field], wanted: Sequence[Field]) -> None:
    assert len(came) == len(wanted), f"block {block}: {len(came)} fields of {len(wanted)}"
    for at, (one, other) in enumerate(zip(came, wanted, strict=True)):
        assert one == other, f"block {block}, field {at}: {one} instead of {other}"


def _pool(chance: random.Random) -> Sequence[Field]:
    """What a connection's blocks draw from: the same names with other values, the same fields again."""
    names = [*_NAMES, *(bytes(chance.choices(_LETTERS, k=chance.randint(1, 40))) for _ in range(8))]
    sizes = (0, 1, 5, 20, 20, 20, 127, 128, 600)
    fields = [
        Field(chance.choice(names), _value(chance, chance.choice(sizes)), chance.random() < 0.1) for _ in range(59)
    ]
    return [*fields, Field(chance.choice(names), _value(chance, 5_000))]  # over the whole table


def _value(chance: random.Random, size: int) -> bytes:
    """Text, which Huffman's code makes shorter, or any bytes, which it makes longer."""
    return bytes(chance.choices(_LETTERS, k=size)) if chance.random() < 0.7 else chance.randbytes(size)


def _tuple(field: Field) -> HeaderTuple:
    return (NeverIndexedHeaderTuple if field.never else HeaderTuple)(field.name, field.value)
