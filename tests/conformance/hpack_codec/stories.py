"""The public story corpus, as the h2 crate once shipped it: what others encoded is decoded, and encoded anew.

A story is a connection's blocks in order, each with its fields. `raw-data` has fields alone, for the encoder.
"""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hpack import Decoder

from tests.conformance.hpack_codec.codec import Codec, Field, Refused
from tests.conformance.result import Result

PART: Final = "hpack stories"


class Differs(Exception):
    """A block came out with other fields; the text says which block, and how."""


def run(codec: Codec, corpus: Path) -> list[Result]:
    """A row a story."""
    return [
        _run(codec, path, path.relative_to(corpus).with_suffix("")) for path in sorted(corpus.glob("*/story_*.json"))
    ]


def _run(codec: Codec, path: Path, name: Path) -> Result:
    begun, reason = time.monotonic(), ""
    cases: Sequence[Mapping[str, Any]] = json.loads(path.read_text())["cases"]
    codec.start_afresh()
    try:
        _tell(codec, cases)
    except (Refused, Differs) as error:
        reason = f"{type(error).__name__}: {error}"
    return Result(PART, str(name), reason, time.monotonic() - begun)


def _tell(codec: Codec, cases: Sequence[Mapping[str, Any]]) -> None:
    theirs = Decoder(max_header_list_size=1 << 24)
    for number, case in enumerate(cases):
        wanted = [Field(name.encode(), value.encode()) for pair in case["headers"] for name, value in pair.items()]
        if "wire" in case:
            came = [field._replace(never=False) for field in codec.decode(bytes.fromhex(case["wire"]))]
            _compare(number, "decoded", came, wanted)
            block = codec.recode()
        else:
            block = codec.encode(wanted)
        _compare(number, "encoded", [Field(*pair) for pair in theirs.decode(block, raw=True)], wanted)


def _compare(number: int, verb: str, came: Sequence[Field], wanted: Sequence[Field]) -> None:
    if list(came) != list(wanted):
        at = next((n for n, pair in enumerate(zip(came, wanted, strict=False)) if pair[0] != pair[1]), len(wanted))
        raise Differs(f"block {number} {verb}: wanted {wanted[at : at + 1]} at {at}; came {came[at : at + 1]}")
