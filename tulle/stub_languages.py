"""Languages that stubs can be made for: which programs each needs, and what protoc is told."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tulle.errors import MissingTool, UsageProblem

Find = Callable[[str], str | None]
"""A program's path by its name, None where PATH has none: `shutil.which`."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, and the line that installs it."""

    name: str
    install: str


@dataclass(frozen=True, slots=True)
class Language:
    """`sets`: programs and flags (with `{out}` and `{tool}`), the first set whose programs are all there is taken."""

    name: str
    sets: Sequence[tuple[tuple[Tool, ...], tuple[str, ...]]]
    own_protoc: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """What protoc is told, for one language; `compiler` is None for the one that grpcio-tools carries."""

    language: str
    flags: tuple[str, ...]
    compiler: str | None


_GO = (
    Tool("protoc-gen-go", "go install google.golang.org/protobuf/cmd/protoc-gen-go@latest"),
    Tool("protoc-gen-go-grpc", "go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@latest"),
)
_TS = (Tool("protoc-gen-ts_proto", "npm install --global ts-proto"),)
_NODE = (
    Tool("protoc-gen-js", "npm install --global protoc-gen-js"),
    Tool("grpc_tools_node_protoc_plugin", "npm install --global grpc-tools"),
)
_JAVA = (
    Tool("protoc", "apt install protobuf-compiler"),
    Tool("protoc-gen-grpc-java", "apt install protobuf-compiler-grpc-java-plugin"),
)

LANGUAGES = {
    "python": Language("python", [((), ("--python_out={out}", "--pyi_out={out}", "--grpc_python_out={out}"))]),
    "go": Language(
        "go",
        [
            (
                _GO,
                (
                    "--plugin=protoc-gen-go={protoc-gen-go}",
                    "--plugin=protoc-gen-go-grpc={protoc-gen-go-grpc}",
                    "--go_out={out}",
                    "--go_opt=paths=source_relative",
                    "--go-grpc_out={out}",
                    "--go-grpc_opt=paths=source_relative",
                ),
            )
        ],
    ),
    "node": Language(
        "node",
        [
            (
                _TS,
                (
                    "--plugin=protoc-gen-ts_proto={protoc-gen-ts_proto}",
                    "--ts_proto_out={out}",
                    "--ts_proto_opt=outputServices=grpc-js,esModuleInterop=true",
                ),
            ),
            (
                _NODE,
                (
                    "--plugin=protoc-gen-js={protoc-gen-js}",
                    "--plugin=protoc-gen-grpc={grpc_tools_node_protoc_plugin}",
                    "--js_out=import_style=commonjs,binary:{out}",
                    "--grpc_out=grpc_js:{out}",
                ),
            ),
        ],
    ),
    "java": Language(
        "java",
        [
            (
                _JAVA,
                ("--plugin=protoc-gen-grpc-java={protoc-gen-grpc-java}", "--java_out={out}", "--grpc-java_out={out}"),
            )
        ],
        own_protoc=True,  # the Java generator is a part of protoc that grpcio-tools leaves out
    ),
}


def parse_languages(texts: Sequence[str]) -> list[Language]:
    """From `--lang python,go --lang java`, each once. Raises UsageProblem."""
    names = list(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))
    for name in names:
        if name not in LANGUAGES:
            raise UsageProblem(f"--lang {name!r}: no such language", "there are: " + ", ".join(LANGUAGES))
    return [LANGUAGES[name] for name in names]


def recipe(language: Language, out: Path, find: Find = shutil.which) -> Recipe:
    """What protoc is told to write `language` into `out`. Raises MissingTool naming each missing program."""
    for tools, flags in language.sets:
        found = {tool.name: find(tool.name) for tool in tools}
        if all(found.values()):
            filled = tuple(
                _fill(flag, {"out": str(out), **{name: str(path) for name, path in found.items()}}) for flag in flags
            )
            return Recipe(language.name, filled, found["protoc"] if language.own_protoc else None)
    missing = [tool for tools, _ in language.sets[:1] for tool in tools if find(tool.name) is None]
    others = [" and ".join(tool.name for tool in tools) for tools, _ in language.sets[1:]]
    instead = f", or instead {others[0]}," if others else ""
    raise MissingTool(
        f"--lang {language.name}: {' and '.join(tool.name for tool in missing)}{instead} is not on PATH",
        "install with: " + "; ".join(tool.install for tool in missing),
    )


def _fill(flag: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        flag = flag.replace(f"{{{name}}}", value)
    return flag
