"""Any file given to `tulle apply` or `tulle delete`: read, or refused in one of the command line's own errors."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protos.tulle.v1 import policy_pb2
from tests.control_plane.properties.documents import TREES, any_yaml
from tests.control_plane.properties.profile import trying
from tulle.errors import TulleError
from tulle.proto_methods import methods_of
from tulle.sources import document_keys, read_sources

SERVICE = "kind: Service\nmetadata: {name: a}\nspec: {protos: "


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("commands") / "policy.yaml"


def read(file: Path, written: bytes) -> None:
    """Whatever is refused is refused in one line a problem that names the file."""
    file.write_bytes(written)
    for sources in (lambda: read_sources([str(file)], methods_of), lambda: document_keys([str(file)])):
        try:
            found = sources()
        except TulleError as error:
            assert str(file) in error.lines()[0]
            assert all(len(line.splitlines()) == 1 for line in error.lines()), error.lines()
        else:
            policy_pb2.ApplyRequest(sources=[one for one in found if isinstance(one, policy_pb2.Source)])


def test_any_text_is_read_or_refused(file: Path) -> None:
    @trying(200)
    @given(any_yaml().map(lambda text: text.encode(errors="surrogatepass")))
    @example(b"\xff\xfe")
    @example(b"a: 2024-99-99")
    @example(b"a: !!binary x")
    @example(b"a: !!int 1e999")
    @example(b"? [a]\n: b")
    @example(b"[" * 5_000)
    @example(b"a: &a [*a]")
    @example(b'kind: "\\ud800"\nmetadata: {name: "\\udfff"}')
    @example(b"metadata: {name: 1}\nkind: Service")
    def holds(written: bytes) -> None:
        read(file, written)

    holds()


def test_any_protos_are_read_or_refused(file: Path) -> None:
    @trying(60)
    @given(st.one_of(TREES, st.lists(st.text(max_size=300))).map(repr))
    @example("[a\\0b]")
    @example('["a\\0b"]')
    @example('["a\\nb"]')
    @example(f"[{'x' * 5_000}]")
    @example("[/dev/null/x, ., ..]")
    @example("[policy.yaml]")
    @example("[&a x, *a]")
    def holds(protos: str) -> None:
        read(file, f"{SERVICE}{protos}}}\n".encode(errors="surrogatepass"))

    holds()
