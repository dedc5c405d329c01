"""`tulle protos generate`, and Service.spec.protos becoming methods."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tulle.errors import InvalidPolicy, MissingTool
from tulle.main import run
from tulle.proto_expansion import expand
from tulle.proto_methods import ProtoMethod, methods_of
from tulle.stub_languages import LANGUAGES, recipe

GREETER = """syntax = "proto3";
package hello.v1;
import "hello/v1/words.proto";
service Greeter {
  rpc Greet(Words) returns (Words) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Tell(Words) returns (stream Words) { option idempotency_level = IDEMPOTENT; }
  rpc Gather(stream Words) returns (Words);
  rpc Chat(stream Words) returns (stream Words);
}
"""
WORDS = 'syntax = "proto3";\npackage hello.v1;\nmessage Words { string text = 1; }\n'


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    folder = tmp_path / "protos" / "hello" / "v1"
    folder.mkdir(parents=True)
    (folder / "greeter.proto").write_text(GREETER)
    (folder / "words.proto").write_text(WORDS)
    return tmp_path / "protos"


def test_python_stubs_can_be_imported_and_carry_types(protos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["protos", "generate", "--lang", "python", str(protos), "-o", str(out)], {}, tmp_path) == 0
    program = (
        "from hello.v1 import greeter_pb2_grpc as g, words_pb2 as w; print(w.Words(text='hi').text, g.GreeterStub)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=out, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("hi <class")
    assert (out / "hello" / "v1" / "words_pb2.pyi").is_file()


def test_a_missing_plug_in_is_named_with_the_line_that_installs_it(
    protos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["protos", "generate", "--lang", "python,java", str(protos), "-o", str(tmp_path / "out")]
    assert run(arguments, {}, tmp_path) == 1
    told = capsys.readouterr().err
    assert told.startswith("error[missing_tool]: --lang java: protoc and protoc-gen-grpc-java is not on PATH")
    assert "apt install protobuf-compiler-grpc-java-plugin" in told


def test_nothing_is_written_when_one_language_fails(protos: Path, tmp_path: Path) -> None:
    (protos / "hello" / "v1" / "words.proto").write_text("syntax = 'proto3'; message Words { oops }")
    assert run(["protos", "generate", "--lang", "python", str(protos), "-o", str(tmp_path / "out")], {}, tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["protos"]


def test_a_compile_error_is_protocs_own_line(protos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (protos / "hello" / "v1" / "words.proto").write_text('syntax = "proto3";\nmessage Words { oops }\n')
    assert run(["protos", "generate", "--lang", "python", str(protos), "-o", str(tmp_path / "out")], {}, tmp_path) == 1
    assert "words.proto:2:" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["go", "node", "java"])
def test_each_other_language_is_told_its_plug_ins_paths(language: str, tmp_path: Path) -> None:
    flags = recipe(LANGUAGES[language], tmp_path, lambda name: f"/bin/{name}").flags
    assert any("/bin/protoc-gen-" in flag for flag in flags)
    assert not any("{" in flag for flag in flags)
    with pytest.raises(MissingTool, match=f"--lang {language}: protoc"):
        recipe(LANGUAGES[language], tmp_path, lambda _: None)


GO_PLUG_INS = ("protoc-gen-go", "protoc-gen-go-grpc")
# Speaks protoc's plug-in protocol (google/protobuf/compiler/plugin.proto); writes what it was told beside each proto.
PLUG_IN = """#!{python}
import pathlib, sys
from google.protobuf.compiler import plugin_pb2
request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
response = plugin_pb2.CodeGeneratorResponse()
for name in request.file_to_generate:
    made = name.replace(".proto", "_" + pathlib.Path(sys.argv[0]).name + ".txt")
    response.file.add(name=made, content=request.parameter)
sys.stdout.buffer.write(response.SerializeToString())
"""


def test_go_stubs_are_made_where_the_plug_ins_are(
    protos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in GO_PLUG_INS:
        (tools / name).write_text(PLUG_IN.format(python=sys.executable))
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    assert run(["protos", "generate", "--lang", "go", str(protos), "-o", str(tmp_path / "out")], {}, tmp_path) == 0
    made = {path.name: path.read_text() for path in (tmp_path / "out" / "hello" / "v1").iterdir()}
    files = [f"{proto}_{plug_in}.txt" for proto in ("greeter", "words") for plug_in in GO_PLUG_INS]
    assert made == dict.fromkeys(files, "paths=source_relative")


def test_methods_are_read_with_kind_and_idempotency(protos: Path) -> None:
    greeter = protos / "hello" / "v1" / "greeter.proto"
    assert methods_of([greeter])[greeter] == [
        ProtoMethod("hello.v1.Greeter/Greet", "unary", idempotent=True),
        ProtoMethod("hello.v1.Greeter/Tell", "serverStreaming", idempotent=True),
        ProtoMethod("hello.v1.Greeter/Gather", "clientStreaming", idempotent=False),
        ProtoMethod("hello.v1.Greeter/Chat", "bidiStreaming", idempotent=False),
    ]


@pytest.mark.parametrize(
    "written",
    [
        "  protos: [hello/v1/greeter.proto]\n",
        "  protos:\n    - hello/v1/greeter.proto\n",
        "  protos: [\n    hello/v1/greeter.proto,\n  ]\n",
    ],
)
def test_expansion_keeps_every_other_line_where_it_is(written: str, protos: Path) -> None:
    import yaml

    text = f"kind: Service\nmetadata: {{name: greeter}}\nspec:\n{written}  targets: {{p99: 1s}}\n---\nkind: Mesh\n"
    expanded = expand(protos / "service.yaml", text, methods_of)
    assert _line_of("targets", expanded) == _line_of("targets", text)
    assert _line_of("kind: Mesh", expanded) == _line_of("kind: Mesh", text)
    service = next(iter(yaml.safe_load_all(expanded)))
    assert service["spec"]["targets"] == {"p99": "1s"}
    assert service["spec"]["methods"][0] == {"name": "hello.v1.Greeter/Greet", "kind": "unary", "idempotent": True}
    assert "protos" not in service["spec"]


def test_a_document_without_protos_is_sent_as_it_was_written(tmp_path: Path) -> None:
    text = "kind: Service # note\nspec: {ports: [{port: 1}]}\n---\nkind: GRPCRoute\nspec: {protos: [x]}\n"
    assert expand(tmp_path / "a.yaml", text, methods_of) == text


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("protos: [none.proto]", "a.yaml:3: spec.protos: no file none.proto"),
        ("protos: x.proto", "a.yaml:3: spec.protos: a list of paths is expected"),
        ("protos: []\n  methods: []", "a.yaml:3: spec.protos: protos and methods are both given"),
    ],
)
def test_wrong_protos_name_file_line_and_field(spec: str, problem: str, tmp_path: Path) -> None:
    text = f"kind: Service\nspec:\n  {spec}\n"
    with pytest.raises(InvalidPolicy) as caught:
        expand(tmp_path / "a.yaml", text, methods_of)
    assert problem in caught.value.problems[0]


def _line_of(word: str, text: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if word in line)
