"""h2spec's cases, by section and in its order, each with the case of ours that asks the same of the listener.

h2spec cannot be had everywhere; this says how far ours stand in for it. RFC 7540's sections are its own numbers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PLAIN: Final = "GET and HEAD: see by_frames.py"

COUNTERPARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "generic/1": ("3.4 the server speaks first with SETTINGS",),
        "generic/2": (
            "5.1 idle PRIORITY is taken",
            "5.1 half-closed WINDOW_UPDATE is taken",
            "5.1 half-closed PRIORITY is taken",
            "5.1 half-closed RST_STREAM is taken",
            "5.1 ended PRIORITY is taken",
        ),
        "generic/3.1": (
            "8.1.1 the right content-length",
            "6.1 empty DATA may end a stream",
            "6.1 padded DATA is taken",
        ),
        "generic/3.2": (
            "4.2 DATA of 2^14 bytes is taken",
            "6.2 padded HEADERS are taken",
            "6.2 HEADERS with a priority are taken",
        ),
        "generic/3.3": (
            "6.3 PRIORITY of a stream leaves all lower ids unused",
            "5.3.2 priority signals change nothing",
            "5.3.2 priority signals change nothing",
            "6.2 HEADERS with a priority are taken",
            "6.3 PRIORITY of a stream leaves all lower ids unused",
        ),
        "generic/3.4": ("6.4 RST_STREAM ends its stream alone",),
        "generic/3.5": ("6.5.3 SETTINGS are acknowledged at once",),
        "generic/3.7": ("6.7 PING comes back with its bytes",),
        "generic/3.8": ("6.8 a call that was begun before the client's GOAWAY is answered",),
        "generic/3.9": (
            "6.9 the reserved bit of an increment is ignored",
            "5.1 half-closed WINDOW_UPDATE is taken",
        ),
        "generic/3.10": (
            "6.10 a block in four frames is one, wherever it is cut",
            "6.10 a block in four frames is one, wherever it is cut",
        ),
        "generic/4": (
            PLAIN,
            PLAIN,
            "8.1.1 the right content-length",
            "8.1 trailers end a request",
        ),
        "generic/5": (
            "7541 6.1 an entry of the static table",
            "7541 6.2.1 one with an indexed name",
            "7541 5.2 Huffman's code",
            "7541 6.2.1 a literal that is indexed",
            "7541 5.2 Huffman's code",
            "7541 6.2.2 a literal with an indexed name",
            "7541 6.2.2 a new name in Huffman's code",
            "7541 6.2.2 a new name in Huffman's code",
            "7541 6.2.2 a new name in Huffman's code",
            "7541 6.2.3 a literal never indexed",
            "7541 6.2.3 a new name in Huffman's code",
            "7541 6.2.3 a literal never indexed",
            "7541 6.2.3 a new name in Huffman's code",
            "7541 6.3 size updates to 0 and back at the start",
            "7541 6.3 size updates to 0 and back at the start",
        ),
        "http2/3.5": (
            "3.4 the server speaks first with SETTINGS",
            "3.4 no preface ends the connection",
        ),
        "http2/4.1": (
            "4.1 a frame of an unknown type on stream 0 is ignored",
            "4.1 undefined flags of PING are ignored",
            "4.1 the reserved bit of a stream id is ignored",
        ),
        "http2/4.2": (
            "4.2 DATA of 2^14 bytes is taken",
            "4.2 DATA over SETTINGS_MAX_FRAME_SIZE",
            "4.2 HEADERS over it",
        ),
        "http2/4.3": (
            "4.3 a block that is no HPACK",
            "4.3 PRIORITY within a block",
            "4.3 HEADERS of another stream within it",
        ),
        "http2/5.1": (
            "5.1 idle DATA",
            "5.1 idle RST_STREAM",
            "5.1 idle WINDOW_UPDATE",
            "5.1 idle CONTINUATION",
            "5.1 half-closed DATA",
            "5.1 half-closed HEADERS",
            "5.1 half-closed CONTINUATION",
            "5.1 reset DATA",
            "5.1 reset HEADERS",
            "5.1 reset CONTINUATION",
            "5.1 ended DATA",
            "5.1 ended HEADERS end the connection",
            "5.1 ended CONTINUATION",
        ),
        "http2/5.1.1": (
            "5.1.1 an even stream id",
            "5.1.1 an id below one already used",
        ),
        "http2/5.1.2": ("5.1.2 a stream over SETTINGS_MAX_CONCURRENT_STREAMS",),
        "http2/5.3.1": (
            "5.3.1 a request that depends on itself",
            "5.3.1 PRIORITY of an idle stream on itself",
        ),
        "http2/5.4.1": (
            "6.7 PING on a stream",
            "5.4.1 a connection error is told, then the connection closed",
        ),
        "http2/5.5": (
            "4.1 a frame of an unknown type on stream 0 is ignored",
            "5.5 an unknown frame within a block",
        ),
        "http2/6.1": (
            "6.1 DATA on stream 0",
            "5.1 half-closed DATA",
            "6.1 padding as long as the frame",
        ),
        "http2/6.2": (
            "4.3 PRIORITY within a block",
            "4.3 HEADERS of another stream within it",
            "6.2 HEADERS on stream 0",
            "6.2 padding as long as the frame",
        ),
        "http2/6.3": (
            "6.3 PRIORITY on stream 0",
            "6.3 PRIORITY of 4 bytes",
        ),
        "http2/6.4": (
            "6.4 RST_STREAM on stream 0",
            "5.1 idle RST_STREAM",
            "6.4 RST_STREAM of 3 bytes",
        ),
        "http2/6.5": (
            "6.5 an acknowledgement with content",
            "6.5 SETTINGS on a stream",
            "6.5 SETTINGS of 3 bytes",
        ),
        "http2/6.5.2": (
            "6.5.2 ENABLE_PUSH of 2",
            "6.5.2 INITIAL_WINDOW_SIZE of 2^31",
            "6.5.2 MAX_FRAME_SIZE of 2^14 - 1",
            "6.5.2 MAX_FRAME_SIZE of 2^24",
            "5.5 an unknown setting is ignored",
        ),
        "http2/6.5.3": (
            "6.5.3 of two values in one SETTINGS the last counts",
            "6.5.3 SETTINGS are acknowledged at once",
        ),
        "http2/6.7": (
            "6.7 PING comes back with its bytes",
            "6.7 an acknowledgement is not answered",
            "6.7 PING on a stream",
            "6.7 PING of 6 bytes",
        ),
        "http2/6.8": ("6.8 GOAWAY on a stream",),
        "http2/6.9": (
            "6.9 by 0 for the connection",
            "6.9 by 0 for a stream",
            "6.9 WINDOW_UPDATE of 3 bytes",
        ),
        "http2/6.9.1": (
            "6.9.1 no byte more than a stream's window",
            "6.9.1 the connection's window over 2^31 - 1",
            "6.9.1 a stream's window over 2^31 - 1",
        ),
        "http2/6.9.2": (
            "6.9.2 SETTINGS open the windows of open streams",
            "6.9.2 a window below zero is kept to",
            "6.5.2 INITIAL_WINDOW_SIZE of 2^31",
        ),
        "http2/6.10": (
            "6.10 a block in four frames is one, wherever it is cut",
            "6.10 another frame before END_HEADERS",
            "6.10 CONTINUATION on stream 0",
            "6.10 CONTINUATION after END_HEADERS",
            "6.10 CONTINUATION after another's END_HEADERS",
            "6.10 CONTINUATION after DATA",
        ),
        "http2/7": (
            "7 one in a GOAWAY is taken",
            "7 unknown error codes are taken",
        ),
        "http2/8.1": ("8.1 a second HEADERS without END_STREAM",),
        "http2/8.1.2": ("8.2.1 a name in upper case",),
        "http2/8.1.2.1": (
            "8.3 an unknown pseudo-header",
            "8.3 a response's pseudo-header",
            "8.3 a pseudo-header in trailers",
            "8.3 a pseudo-header after a field",
        ),
        "http2/8.1.2.2": (
            "8.2.2 the connection-specific field connection",
            "8.2.2 te other than trailers",
        ),
        "http2/8.1.2.3": (
            "8.3.1 an empty :path",
            "8.3.1 no :method",
            "8.3.1 no :scheme",
            "8.3.1 no :path",
            "8.3.1 :method twice",
            "8.3.1 :scheme twice",
            "8.3.1 :path twice",
        ),
        "http2/8.1.2.6": (
            "8.1.1 content-length below the one DATA",
            "8.1.1 content-length above several DATA",
        ),
        "http2/8.2": ("6.6 PUSH_PROMISE from a client",),
        "hpack/2.3.3": (
            "7541 2.3.3 an index past both tables",
            "7541 2.3.3 a name's index past both tables",
        ),
        "hpack/4.2": ("7541 4.2 a size update after a field",),
        "hpack/5.2": (
            "7541 5.2 Huffman padding over 7 bits",
            "7541 5.2 Huffman padding that is not all ones",
            "7541 5.2 the EOS symbol",
        ),
        "hpack/6.1": ("7541 6.1 index 0",),
        "hpack/6.3": ("7541 6.3 a table above our limit",),
    }
)
