"""A status message comes as it was sent: every percent-escape, every character, well-formed or not.

gRPC over HTTP/2, "Responses": bytes outside 0x20 to 0x7e and '%' are sent as %XX; a receiver must take what is not
well-formed, and a proxy hands it on byte for byte.
"""

import pytest

from tests.streams.calling import begin
from tests.streams.pair import Pair
from tests.streams.raw import Raw, answering, fields_of, request
from tests.support.echo_client import call

LONG = 8 << 10
TEXTS = {
    "nothing": "",
    **{f"0x{number:02x}": chr(number) for number in (*range(0x20), 0x7F)},
    "every control character": "".join(map(chr, range(0x20))),
    "a percent alone": "%",
    "a percent at the end": "100%",
    "what looks like an escape": "%41 %zz %",
    "two bytes": "größer é",
    "three bytes": "✓ €",
    "four bytes": "🚀𐍈",
    "combined and right to left": "e\u0301 \u202eabc",
    "the ends of each length": "\u007f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff",
    "spaces around": "  both  ends  ",
    "8 KiB": "x" * LONG,
    "8 KiB once escaped": "é" * (LONG // 6),
}
ESCAPES = {
    "no message at all": None,
    "an empty one": "",
    "a percent alone": "%",
    "a percent at the end": "100%",
    "half an escape": "%4",
    "no hexadecimal": "%zz%g0%0g",
    "lower-case digits": "%c3%a9",
    "upper-case digits": "%C3%A9",
    "what needs no escape": "%41%20%7e",
    "an escaped percent": "%25%2525",
    "a NUL": "%00",
    "every byte": "".join(f"%{number:02X}" for number in range(256)),
    "no UTF-8": "%ff%fe%c3",
    "half a character": "%F0%9F%9A",
    "a surrogate": "%ED%A0%80",
    "bytes that should be escaped": "gr\xc3\xb6\xc3\x9fer",
    "bytes that are no UTF-8": "\xff\xfe\x80",
    "a tab": "a\tb",
    "spaces and tildes": "a  ~~  b",
    "8 KiB": "%" + "x" * (LONG - 1),
}


@pytest.mark.real
def test_the_text_of_a_status_is_what_the_application_said(streams: Pair) -> None:
    with streams.channel() as via, streams.direct() as direct:
        for name, text in TEXTS.items():
            asked = (("x-status", "9"), ("x-message-bin", text.encode()))
            meshed, plain = (begin(channel, "Status", b"", *asked) for channel in (via, direct))
            assert (meshed.code(), meshed.details()) == (plain.code(), plain.details()), name
            assert meshed.details() == text, name


@pytest.mark.real
@pytest.mark.parametrize("kind", ["", ", trailers alone"], ids=["after a message", "trailers alone"])
def test_an_escape_of_any_kind_is_handed_on_byte_for_byte(kind: str, raw_server: Raw) -> None:
    _add_scripts(raw_server)
    peer = raw_server.peer()
    try:
        for number, (name, message) in enumerate(ESCAPES.items()):
            peer.send(request(1 + 2 * number, f"{name}{kind}"))
            fields = fields_of(peer, 1 + 2 * number)
            assert (fields.get("grpc-status"), fields.get("grpc-message")) == ("9", message), name
    finally:
        peer.close()


@pytest.mark.real
def test_a_library_reads_any_escape_as_it_does_without_us(raw_server: Raw) -> None:
    _add_scripts(raw_server)
    with raw_server.channel() as via, raw_server.direct() as direct:
        for name in ESCAPES:
            meshed, plain = (call(channel, "Unary", [b"?"], [("x-case", name)]) for channel in (via, direct))
            assert (meshed.code, meshed.details) == (plain.code, plain.details), name


def _add_scripts(raw_server: Raw) -> None:
    for name, message in ESCAPES.items():
        status = (("grpc-status", "9"), *((("grpc-message", message),) if message is not None else ()))
        raw_server.scripts.update({name: answering((), status), f"{name}, trailers alone": answering(status)})
