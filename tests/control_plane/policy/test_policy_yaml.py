"""YAML that remembers its lines, and that no input can break."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from control_plane.policy.canonical import to_yaml
from control_plane.policy.load import Source, load
from control_plane.policy.problem import InvalidDocumentsError
from control_plane.policy.yaml_tree import MAX_BYTES, YamlError, parse
from tests.control_plane.policy.policy_documents import complaints, service


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice, first on line 1"),
        ("a: &x [1]\nb: *x\n", 1, "anchors and aliases are not supported"),
        ("a: !!python/object:os.system x\n", 1, "tags are not supported"),
        ("a: [1,\nb: 2}", 2, "not YAML"),
        ("{[1]: 2}", 1, "a key is not text"),
        ("[" * 100_000, 1, "nested over 32 deep"),
        ("a: \x00", 0, "not YAML"),
        ("a: '\ud800'", 0, "not YAML"),
        ("x" * (MAX_BYTES + 1), 0, "the file is over 1 MiB"),
    ],
)
def test_what_is_refused_names_its_line(text: str, line: int, cause: str) -> None:
    with pytest.raises(YamlError) as caught:
        parse(text)
    assert caught.value.line == line
    assert caught.value.cause.startswith(cause)


def test_words_mean_what_yaml_1_2_says() -> None:
    (node,) = parse("on: yes\nn: 0x1f\nd: 2024-01-01\ni: -7\nf: 1.5\ne: ~\nt: true\nq: '5'\n08: 1:30\n")
    assert node.plain() == {
        "on": "yes",
        "n": "0x1f",
        "d": "2024-01-01",
        "i": -7,
        "f": 1.5,
        "e": None,
        "t": True,
        "q": "5",
        "08": "1:30",
    }


def test_a_place_that_does_not_exist_has_the_line_of_what_is_above_it() -> None:
    (node,) = parse("spec:\n  rules:\n  - name: a\n  - name: b\n")
    assert node.line_of(("spec", "rules", 1, "name")) == 4
    assert node.line_of(("spec", "rules", 1, "missing", "deeper")) == 4
    assert node.line_of(("spec", "rules")) == 2
    assert node.line_of(("none",)) == 1


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
@example("kind: Service\nmetadata: []\n")
@example("kind: GRPCRoute\nspec: {rules: {a: b}}\n")
@example("? - a\n: b")
def test_garbage_raises_nothing_but_invalid_documents(text: str) -> None:
    try:
        load([Source("a.yaml", text)])
    except InvalidDocumentsError as error:
        assert error.problems
        assert all(problem.cause for problem in error.problems)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["Mesh", "Service", "GRPCRoute", "TrafficPolicy", "AccessPolicy"]),
    st.sampled_from(["spec", "metadata", "rules", "targetRefs"]),
    trees,
)
def test_any_tree_under_a_kind_is_taken_or_refused_with_a_field(kind: str, field: str, tree: object) -> None:
    text = f"kind: {kind}\napiVersion: tulle.dev/v1\nmetadata: {{name: a}}\n"
    for complaint in complaints(f"{text}spec: {json.dumps({field: tree}, ensure_ascii=False)}\n"):
        assert complaint.startswith("a.yaml:")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12))
@example("on")
@example("1e5")
@example("0x1f")
@example("null")
@example("1:30")
def test_canonical_yaml_reads_back_as_the_same_document(value: str) -> None:
    (first,) = load(
        [
            Source(
                "a.yaml",
                service("a", f"{{subsets: [{{name: s, labels: {{v: {json.dumps(value, ensure_ascii=False)}}}}}]}}"),
            )
        ]
    )
    (second,) = load([Source("b.yaml", to_yaml(first.document))])
    assert second.document == first.document
