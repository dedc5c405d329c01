"""The engine's HPACK, driven through `engine/http2/examples/hpack_story.rs`."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Field(NamedTuple):
    """`never` is RFC 7541 §7.1.3's mark: on no hop may it enter a table."""

    name: bytes
    value: bytes
    never: bool = False


class Refused(Exception):
    """The engine ends the connection; the text is its cause."""


@dataclass(frozen=True)
class Codec:
    """A decoder and an encoder, each with a table of its own."""

    process: subprocess.Popen[str]

    def start_afresh(self) -> None:
        """Empty tables."""
        self._ask("new")

    def set_table(self, size: int) -> None:
        """The peer lets our encoder use `size` bytes, from the next block on."""
        self._ask(f"table {size}")

    def decode(self, block: bytes) -> list[Field]:
        """Raises Refused."""
        told = self._ask(f"decode {block.hex()}")
        return [_field(word) for word in told.split()]

    def encode(self, fields: Sequence[Field]) -> bytes:
        return bytes.fromhex(self._ask(" ".join(["encode", *map(_told, fields)])))

    def recode(self) -> bytes:
        """What was decoded last, as a proxy sends it on: entries of the decoder's table lend the encoder their hash."""
        return bytes.fromhex(self._ask("recode"))

    def _ask(self, command: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if answer.startswith("error "):
            raise Refused(answer.removeprefix("error "))
        return answer


@contextmanager
def codec(program: Path) -> Iterator[Codec]:
    """Lives for the block; ends with its standard input."""
    with subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Codec(process)


def _field(word: str) -> Field:
    name, _, value = word.removesuffix("!").partition(":")
    return Field(bytes.fromhex(name), bytes.fromhex(value), word.endswith("!"))


def _told(field: Field) -> str:
    return f"{field.name.hex()}:{field.value.hex()}{'!' if field.never else ''}"
