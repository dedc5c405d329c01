"""Heads and trailers that two parsers could read as two different requests (RFC 9113 §8.2 and §8.3)."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.abuse.calls import ENDS, Fields, head, whole
from tests.conformance import frames as f

MARK = "x-call-id"  # the echo server writes it down: what got through is known


@dataclass(frozen=True)
class Vector:
    """`sent(stream, mark)` is a request with something odd in it."""

    title: str
    sent: Callable[[int, str], bytes]

    def __str__(self) -> str:
        return self.title


def vectors() -> tuple[Vector, ...]:
    """Each must cost its stream, PROTOCOL_ERROR, and reach nobody."""
    return (*_values(), *_names(), *_connection_fields(), *_pseudo(), *_paths(), *_bodies())


def lookalikes() -> tuple[Vector, ...]:
    """Each is a call like any other."""
    return (
        _field("a value with a tab", "x-a", "a\tb"),
        _field("a value with bytes over 127", "x-a", "na\xefve"),
        _field("a value that quotes a request", "x-a", "GET / HTTP/1.1"),
        _field("an empty value", "x-a", ""),
        _field("a value with spaces around", "x-a", " a "),
        _field("a name of every kind of character", "x_a-b.9", "1"),
        _field("connection's name within a name", "x-connection", "close"),
        _field("a bin value", "x-a-bin", "AA0KDQ"),
        _field("the true length", "content-length", "10"),
    )


def _field(title: str, name: str, value: str) -> Vector:
    return Vector(title, lambda stream, mark: whole(stream, "Unary", (name, value), (MARK, mark), message=b"after"))


def _values() -> tuple[Vector, ...]:
    return (
        _field("CR in a value", "x-a", "a\rb"),
        _field("LF in a value", "x-a", "a\nb"),
        _field("CR LF and a field in a value", "x-a", "a\r\nx-admin: 1"),
        _field("NUL in a value", "x-a", "a\0b"),
        _field("NUL at a value's end", "x-a", "a\0"),
        _field("a tab before a value", "x-a", "\ta"),
        _field("a tab behind a value", "x-a", "a\t"),
    )


def _names() -> tuple[Vector, ...]:
    return (
        _field("a name in upper case", "X-Admin", "1"),
        _field("an empty name", "", "1"),
        _field("a name with a space", "x admin", "1"),
        _field("a name with CR LF", "x-a\r\nx-b", "1"),
        _field("a name with NUL", "x-a\0", "1"),
        _field("a name with a colon", "x:admin", "1"),
        _field("a name with a byte over 127", "x-\xe9", "1"),
    )


def _connection_fields() -> tuple[Vector, ...]:
    return (
        _field("connection", "connection", "x-call-id"),
        _field("proxy-connection", "proxy-connection", "close"),
        _field("keep-alive", "keep-alive", "timeout=1"),
        _field("transfer-encoding", "transfer-encoding", "chunked"),
        _field("upgrade", "upgrade", "websocket"),
        _field("te other than trailers", "te", "chunked"),
    )


def _pseudo() -> tuple[Vector, ...]:
    return (
        _changed("two :path", lambda fields: ((":path", "/echo.v1.Echo/Bidi"), *fields)),
        _changed("two :method", lambda fields: ((":method", "GET"), *fields)),
        _changed("two :scheme", lambda fields: ((":scheme", "https"), *fields)),
        _changed("two :authority", lambda fields: ((":authority", "other.test"), *fields)),
        _changed("user info in :authority", lambda fields: _with_authority(fields, "me@echo.test")),
        _changed("a space behind :authority", lambda fields: _with_authority(fields, "echo.test ")),
        _field("a Host unlike :authority", "host", "other.test"),
        _changed("a :path behind a field", lambda fields: (fields[0], fields[1], *fields[3:], fields[2])),
        _changed("an unknown pseudo-header", lambda fields: ((":admin", "1"), *fields)),
        _changed("a response's pseudo-header", lambda fields: ((":status", "200"), *fields)),
        _changed("no :path", lambda fields: (*fields[:2], *fields[3:])),
        _changed("no :method", lambda fields: fields[1:]),
        Vector("a pseudo-header in trailers", lambda s, mark: _trailed(s, mark, (":path", "/echo.v1.Echo/Bidi"))),
        Vector("CR LF in trailers", lambda s, mark: _trailed(s, mark, ("x-a", "a\r\nb"))),
    )


def _with_authority(fields: Fields, authority: str) -> Fields:
    return tuple((name, authority if name == ":authority" else value) for name, value in fields)


def _paths() -> tuple[Vector, ...]:
    paths = ("", "echo.v1.Echo/Unary", "http://echo.test/echo.v1.Echo/Unary", "\\echo.v1.Echo\\Unary")
    spelt = tuple(_path(f"the path {path!r}", path) for path in paths)
    return (*spelt, _path("a path with CR LF", "/echo.v1.Echo/Unary\r\nx-a: 1"), _path("a path with NUL", "/e\0"))


def _bodies() -> tuple[Vector, ...]:
    return (
        _field("content-length above DATA", "content-length", "99"),
        _field("content-length below DATA", "content-length", "1"),
        _field("content-length with a sign", "content-length", "+10"),
        _field("a list of content-lengths", "content-length", "10, 10"),
    )


def _changed(title: str, change: Callable[[Fields], Fields]) -> Vector:
    def sent(stream: int, mark: str) -> bytes:
        return f.headers(stream, change(head("Unary", (MARK, mark)))) + f.data(
            stream, f.message(b"after"), f.END_STREAM
        )

    return Vector(title, sent)


def _path(title: str, path: str) -> Vector:
    return _changed(title, lambda fields: (*fields[:2], (":path", path), *fields[3:]))


def _trailed(stream: int, mark: str, *fields: tuple[str, str]) -> bytes:
    begun = f.headers(stream, head("Bidi", ("x-a", mark)))
    return begun + f.data(stream, f.message(b"after")) + f.headers(stream, fields, ENDS)
