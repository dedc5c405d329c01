"""RFC 7541: every representation is taken, and what breaks the table ends the connection."""

from hpack import Encoder
from hpack.struct import HeaderTuple, NeverIndexedHeaderTuple

from tests.conformance import frames as f
from tests.conformance.peer import Peer
from tests.conformance.sections.case import REQUEST, Case, answered, connection_error, expect_end

BODY = f.data(1, f.message(b"x"), f.END_STREAM)
ENCODED = f.block(REQUEST)


def representations() -> tuple[Case, ...]:
    """What must be understood."""
    indexed_name = b"\x0f" + f.integer(58 - 15, 8) + b"\x04test"  # user-agent, without indexing
    packed = Encoder().encode([("x-test", "in few bits")], huffman=True)[1:]
    return (
        Case("7541 2.3", "a table filled and used by later calls", _with_table),
        answered("7541 5.2", "Huffman's code", _block(Encoder().encode(REQUEST, huffman=True)) + BODY),
        answered("7541 6.1", "an entry of the static table", _block(ENCODED + b"\x90") + BODY),
        answered("7541 6.2.1", "a literal that is indexed", _block(ENCODED + b"\x40\x03x-a\x011\xbe") + BODY),
        answered("7541 6.2.1", "one with an indexed name", _block(ENCODED + b"\x7a\x04test\xbe") + BODY),
        answered("7541 6.2.2", "a new name in Huffman's code", _block(ENCODED + b"\x00" + packed) + BODY),
        answered("7541 6.2.3", "a new name in Huffman's code", _block(ENCODED + b"\x10" + packed) + BODY),
        answered("7541 6.2.2", "a literal with an indexed name", _block(ENCODED + indexed_name) + BODY),
        answered("7541 6.2.3", "a literal never indexed", _block(ENCODED + b"\x10\x03x-a\x011") + BODY),
        answered("7541 6.3", "size updates to 0 and back at the start", _block(b"\x20\x3f\xe1\x1f" + ENCODED) + BODY),
        answered("7541 4.4", "an entry over the table empties it", _block(ENCODED + _large()) + BODY),
        Case("7541 7.1.3", "never-indexed fields among indexed ones", _never_indexed),
    )


def errors() -> tuple[Case, ...]:
    """What must end the connection with COMPRESSION_ERROR (§4.3 of RFC 9113)."""
    return (
        _broken("2.3.3", "an index past both tables", b"\xff\x80\x01"),
        _broken("2.3.3", "a name's index past both tables", b"\x7f\x80\x01\x011"),
        _broken("6.1", "index 0", b"\x80"),
        _broken("4.2", "a size update after a field", b"\x20"),
        _broken("6.3", "a table above our limit", b"", before=b"\x3f\xe2\x1f"),
        _broken("5.2", "Huffman padding over 7 bits", b"\x00\x81\xff\x011"),
        _broken("5.2", "Huffman padding that is not all ones", b"\x00\x03x-a\x81\x18"),
        _broken("5.2", "the EOS symbol", b"\x00\x03x-a\x84\xff\xff\xff\xff"),
        _broken("5.2", "a string longer than its block", b"\x00\x03x-a\x7f\x00x"),
        _broken("5.1", "an integer without an end", b"\x7f" + b"\xff" * 12),
        _broken("4.4", "an entry that was evicted", _large() + b"\xbe"),
    )


def _block(encoded: bytes) -> bytes:
    return f.frame(f.HEADERS, f.END_HEADERS, 1, encoded)


def _broken(section: str, title: str, tail: bytes, before: bytes = b"") -> Case:
    sent = f.frame(f.HEADERS, f.END_HEADERS, 1, before + ENCODED + tail)
    return connection_error(f"7541 {section}", title, sent, f.COMPRESSION_ERROR)


def _large() -> bytes:
    """An indexed literal of 4,100 bytes: more than a table of 4,096."""
    value = b"v" * 4_100
    return b"\x40\x03x-v" + f.integer(len(value), 7) + value


def _with_table(peer: Peer) -> None:
    encoder = Encoder()
    for stream in (1, 3, 5):
        extra = [(f"x-field-{n}", f"value {n}" * 20) for n in range(20)]  # more than the table holds
        encoded = encoder.encode([*REQUEST, *extra], huffman=stream != 3)
        peer.send(f.frame(f.HEADERS, f.END_HEADERS, stream, encoded))
        peer.send(f.data(stream, f.message(b"x"), f.END_STREAM))
        expect_end(peer, stream)


def _never_indexed(peer: Peer) -> None:
    encoder = Encoder()
    for stream in (1, 3):
        pairs = [HeaderTuple(*pair) for pair in (*REQUEST, ("x-a", "1"))]
        pairs.append(NeverIndexedHeaderTuple("authorization", "s3cret"))
        peer.send(f.frame(f.HEADERS, f.END_HEADERS, stream, encoder.encode(pairs)))
        peer.send(f.data(stream, f.message(b"x"), f.END_STREAM))
        expect_end(peer, stream)
