"""RFC 9113 §8: what a request's fields and their order may be; a malformed request costs its stream alone."""

from tests.conformance import frames as f
from tests.conformance.sections.case import OPEN, REQUEST, Case, answered, stream_error

Pairs = tuple[tuple[str, str], ...]
WHOLE = f.END_HEADERS | f.END_STREAM
BODY = f.message(b"body")


def framing() -> tuple[Case, ...]:
    """§8.1, §8.1.1."""
    trailers = f.headers(1, (("x-checksum", "1"),), WHOLE)
    half = len(BODY) // 2
    return (
        answered("8.1", "trailers end a request", OPEN + f.data(1, BODY) + trailers),
        _malformed("8.1", "a second HEADERS without END_STREAM", OPEN + f.headers(1, (("x-more", "1"),))),
        _malformed("8.1.1", "content-length above the one DATA", _length(len(BODY) + 1) + _data(BODY, ends=True)),
        _malformed("8.1.1", "content-length below the one DATA", _length(1) + _data(BODY, ends=True)),
        _malformed(
            "8.1.1",
            "content-length above several DATA",
            _length(99) + _data(BODY[:half], ends=False) + _data(BODY[half:], ends=True),
        ),
        _malformed("8.1.1", "content-length and no DATA", f.headers(1, (*REQUEST, ("content-length", "5")), WHOLE)),
        _malformed("8.1.1", "a content-length that is no number", f.headers(1, (*REQUEST, ("content-length", "1x")))),
        answered("8.1.1", "the right content-length", _length(len(BODY)) + _data(BODY, ends=True)),
    )


def fields() -> tuple[Case, ...]:
    """§8.2."""
    return (
        _with("8.2.1", "a name in upper case", ("X-Upper", "1")),
        _with("8.2.1", "an empty name", ("", "1")),
        _with("8.2.1", "a name with a space", ("x y", "1")),
        _with("8.2.1", "a name with a colon within", ("x:y", "1")),
        _with("8.2.1", "a name over 0x7e", ("x\x7f", "1")),
        _with("8.2.1", "a value with NUL", ("x-a", "a\0b")),
        _with("8.2.1", "a value with CR", ("x-a", "a\rb")),
        _with("8.2.1", "a value with LF", ("x-a", "a\nb")),
        _with("8.2.1", "a value that ends with a tab", ("x-a", "a\t")),
        *(
            _with("8.2.2", f"the connection-specific field {name}", (name, value))
            for name, value in (
                ("connection", "keep-alive"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("transfer-encoding", "chunked"),
                ("upgrade", "h2c"),
            )
        ),
        _changed("8.2.2", "te other than trailers", te="trailers, deflate"),
        answered("8.2.3", "cookie crumbs are taken", _call((*REQUEST, ("cookie", "a=1"), ("cookie", "b=2")))),
    )


def departures() -> tuple[Case, ...]:
    """Where we leave the RFC on purpose: gRPC's own libraries send such values, in `grpc-message` too.

    §8.2.1 calls a message malformed whose field value starts or ends with SP or HTAB. gRPC's percent-encoding leaves a
    space as it is, so a status message with a space at its end would fail a call that is well without the mesh.
    """
    return (
        answered("8.2.1 (departure)", "a value that starts with a space passes", _call((*REQUEST, ("x-a", " a")))),
        answered("8.2.1 (departure)", "a value that ends with a space passes", _call((*REQUEST, ("x-a", "a ")))),
    )


def pseudo() -> tuple[Case, ...]:
    """§8.3."""
    return (
        _malformed("8.3", "an unknown pseudo-header", _call(((":unknown", "1"), *REQUEST))),
        _malformed("8.3", "a response's pseudo-header", _call(((":status", "200"), *REQUEST))),
        _malformed("8.3", "a pseudo-header after a field", _call((*REQUEST[1:], REQUEST[0]))),
        _malformed("8.3", "a pseudo-header in trailers", OPEN + f.headers(1, ((":method", "POST"),), WHOLE)),
        *(_malformed("8.3.1", f"no {name}", _call(_without(name))) for name in (":method", ":scheme", ":path")),
        *(
            _malformed("8.3.1", f"{name} twice", _call(((name, value), *REQUEST)))
            for name, value in REQUEST
            if name.startswith(":")
        ),
        _changed("8.3.1", "an empty :path", **{":path": ""}),
        _changed("8.3.1", "a :path without a slash", **{":path": "echo.v1.Echo/Bidi"}),
        _changed("8.3.1", "an empty :method", **{":method": ""}),
        _changed("8.3.1", "an empty :scheme", **{":scheme": ""}),
    )


def _malformed(section: str, title: str, sent: bytes) -> Case:
    return stream_error(section, title, sent, f.PROTOCOL_ERROR)


def _call(pairs: Pairs) -> bytes:
    return f.headers(1, pairs) + f.data(1, BODY, f.END_STREAM)


def _with(section: str, title: str, pair: tuple[str, str]) -> Case:
    return _malformed(section, title, f.headers(1, (*REQUEST, pair)))


def _changed(section: str, title: str, **values: str) -> Case:
    return _malformed(section, title, f.headers(1, tuple((name, values.get(name, value)) for name, value in REQUEST)))


def _without(name: str) -> Pairs:
    return tuple(pair for pair in REQUEST if pair[0] != name)


def _length(size: int) -> bytes:
    return f.headers(1, (*REQUEST, ("content-length", str(size))))


def _data(payload: bytes, *, ends: bool) -> bytes:
    return f.data(1, payload, f.END_STREAM if ends else 0)
