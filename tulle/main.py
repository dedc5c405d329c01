"""`tulle`: reads the settings, finds the verb, and is the one place where an error becomes a line and an exit code."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tulle.errors import TulleError, UsageProblem
from tulle.help_page import SUMMARY, help_page
from tulle.verbs import VERBS

INTERRUPTED = 130
STAYING = ("sidecar", "run")
"""Verbs that stay beside an application for its whole life, once an instance: they must be small."""

HELP: tuple[list[str], ...] = ([], ["--help"], ["-h"], ["help"])


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:], os.environ, Path.cwd()))


def run(arguments: Sequence[str], environ: Mapping[str, str], here: Path) -> int:
    """Run one command; its exit code (0 ok, 1 failed, 2 usage, 3 not reachable, 4 conflict)."""
    try:
        if list(arguments) in HELP and "_TULLE_COMPLETE" not in environ:
            print(help_page(VERBS))  # noqa: T201 - stdout is data
            return 0
        if arguments[:1] and arguments[0] in STAYING and not _asks_for_typer(arguments, environ):
            return _run_staying(list(arguments), environ, here)
        return _run_verb(list(arguments), environ, here)
    except TulleError as error:
        return _tell(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout has gone (`| head`); nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _asks_for_typer(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    own = arguments[: list(arguments).index("--")] if "--" in arguments else arguments
    return "_TULLE_COMPLETE" in environ or "--help" in own or "-h" in own


def _run_staying(arguments: list[str], environ: Mapping[str, str], here: Path) -> int:
    from tulle.lean import import_asyncio_without_ssl

    import_asyncio_without_ssl()
    from tulle.plain_flags import read_flags
    from tulle.settings import read_settings
    from tulle.staying_flags import FLAGS

    verb, settings = arguments[0], read_settings(here, environ)
    given = read_flags(FLAGS[verb], arguments[1:], environ, settings)
    from tulle.staying import stay_as_sidecar, stay_beside

    if verb == "run":
        return stay_beside(given)
    stay_as_sidecar(given)
    return 0


def _run_verb(arguments: list[str], environ: Mapping[str, str], here: Path) -> int:
    # typer takes 70 ms to import: too long for a page that does not need it.
    import typer
    from typer.completion import completion_init  # type: ignore[attr-defined]

    from tulle.lazy_group import LazyGroup
    from tulle.settings import read_settings

    completion_init()
    root = LazyGroup(VERBS, name="tulle", summary=SUMMARY, settings=read_settings(here, environ))
    try:
        result: Any = root.main(arguments, prog_name="tulle", standalone_mode=False)
    except typer.TyperException as error:
        raise _usage(error) from error
    except typer.Abort:
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def _usage(error: Any) -> UsageProblem:
    context = getattr(error, "ctx", None)
    text = error.format_message().rstrip(".")
    hint = f"'{context.command_path} --help' lists the options" if context else "'tulle --help' lists the commands"
    return UsageProblem(text[:1].lower() + text[1:], hint)


def _tell(error: TulleError) -> int:
    for line in error.lines():
        print(line, file=sys.stderr)  # noqa: T201 - stderr is talk
    return error.exit_code


if __name__ == "__main__":
    main()
