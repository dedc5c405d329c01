"""`tulle protos generate --lang … PATH… -o DIR`."""

from pathlib import Path
from typing import Annotated

import typer

from tulle.options import Quiet


def generate(
    path: Annotated[list[Path], typer.Argument(help=".proto files, or folders that hold some")],
    lang: Annotated[list[str], typer.Option(help="python, go, node, java; several with commas")],
    out: Annotated[Path, typer.Option("--out", "-o", help="folder; one below it a language where there are several")],
    proto_path: Annotated[
        list[Path] | None, typer.Option("--proto-path", "-I", help="where imports are found; default: worked out")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make stubs for your own .proto files: Python is built in, others by their plug-ins. All are written, or none."""
    from tulle.errors import UsageProblem
    from tulle.output import say
    from tulle.stub_languages import parse_languages
    from tulle.stubs import find_protos, generate_stubs

    languages = parse_languages(lang)
    roots = [root.resolve() for root in proto_path or []]
    for root in roots:
        if not root.is_dir():
            raise UsageProblem(f"--proto-path {root}: no such folder", "check the path")
    for written in generate_stubs(languages, find_protos(path), roots, out):
        print(written)  # noqa: T201 - stdout is data
    say(f"stubs for {', '.join(language.name for language in languages)} are in {out}", quiet=quiet)
