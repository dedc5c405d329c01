"""Making stubs: every language into a folder beside the target first, then all of them into place, or none."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tulle.errors import UsageProblem
from tulle.protoc import by_root, compile_protos
from tulle.stub_languages import Find, Language, recipe


def generate_stubs(
    languages: Sequence[Language], protos: Sequence[Path], roots: Sequence[Path], out: Path, find: Find = shutil.which
) -> list[Path]:
    """Write stubs below `out` (one language) or `out/<language>` (several); the files written, in order.

    Raises MissingTool, ProtocFailed or UsageProblem, and then `out` is as it was.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tulle-stubs-", dir=out.parent) as scratch:
        recipes = [recipe(language, Path(scratch) / language.name, find) for language in languages]
        for each in recipes:
            (Path(scratch) / each.language).mkdir()
            for root, files in by_root(protos, roots).items():
                compile_protos(each.flags, [root, *roots], files, each.compiler)
        return [
            written
            for each in recipes
            for written in _move(Path(scratch) / each.language, out if len(recipes) == 1 else out / each.language)
        ]


def find_protos(paths: Sequence[Path]) -> list[Path]:
    """Every .proto file that `paths` name, folders searched whole. Raises UsageProblem."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*.proto")) if path.is_dir() else [path]
        if not inside or not inside[0].is_file():
            raise UsageProblem(f"PATH {path}: no .proto file there", "name a .proto file or a folder that holds some")
        found += inside
    return list(dict.fromkeys(file.resolve() for file in found))


def _move(source: Path, target: Path) -> list[Path]:
    written = []
    for file in sorted(file for file in source.rglob("*") if file.is_file()):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
        written.append(place)
    return written
