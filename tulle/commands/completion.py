"""`tulle completion bash|zsh|fish`."""

from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """The shells that a script is there for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="whose script")]) -> None:
    """Print the completion script of a shell.

    bash: source <(tulle completion bash). zsh: tulle completion zsh > a folder of $fpath, as _tulle.
    fish: tulle completion fish > ~/.config/fish/completions/tulle.fish.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(prog_name="tulle", complete_var="_TULLE_COMPLETE", shell=shell.value)
    print(script)  # noqa: T201 - stdout is data
