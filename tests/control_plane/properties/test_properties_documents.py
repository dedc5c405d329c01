"""Any text as a policy: taken, or refused in lines that name file, line, cause and remedy; never anything else."""

from hypothesis import example, given

from control_plane.policy.analyse import analyse
from control_plane.policy.canonical import to_yaml
from control_plane.policy.describe import describe
from control_plane.policy.load import Loaded, Source, load
from control_plane.policy.policy_set import PolicySet, Stored, decode, encode
from control_plane.policy.problem import InvalidDocumentsError
from control_plane.policy.resolve import resolve
from control_plane.store.base import Entry
from control_plane.workload import WorkloadRef
from tests.control_plane.control_plane_harness import TRUST_DOMAIN
from tests.control_plane.properties.documents import any_yaml, mutated_documents
from tests.control_plane.properties.profile import trying

FILE = "dir/policy.yaml"


def taken(text: str) -> list[Loaded]:
    """What is taken of a file; a refusal must be one that its author can act upon."""
    try:
        return load([Source(FILE, text)])
    except InvalidDocumentsError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.file == FILE
            assert 0 <= problem.line <= len(text.splitlines()) + 2, str(problem)  # YAML ends lines as Unicode does
            assert problem.line or problem.cause.startswith(("the file", "not YAML")), str(problem)
            assert problem.cause and problem.hint, f"neither cause nor remedy may be missing: {problem}"
            assert len(str(problem).splitlines()) == 1, f"one line: {str(problem)!r}"
        return []


@trying(400)
@given(any_yaml())
@example("kind: Service\nkind: Service\n")
@example("{a: [}")
@example("\ufeffkind: Service")
@example("a: '\ud800'")
@example('{"kind": "Service", "metadata": {"name": "a"}, "spec": {"a\\nb": 1}}')
def test_any_text_is_taken_or_refused_with_its_remedy(text: str) -> None:
    taken(text)


@trying(300)
@given(mutated_documents())
def test_what_is_taken_means_the_same_written_out_and_read_again(text: str) -> None:
    for one in taken(text):
        (again,) = load([Source("again.yaml", to_yaml(one.document))])
        assert again.document == one.document
        assert to_yaml(again.document) == to_yaml(one.document)
        entry = Entry(one.key.path, encode(one.document), 1, 1, None)
        assert decode(entry) == one.document, "and so it does from the store"


@trying(300)
@given(mutated_documents())
def test_what_is_taken_can_be_resolved_described_and_analysed(text: str) -> None:
    policies = PolicySet.of(Stored(one.document, age, age) for age, one in enumerate(taken(text), start=1))
    analyse(policies, (), TRUST_DOMAIN)
    for service in (*policies.services, "shop/orders"):
        resolve(policies, (), WorkloadRef.parse(service, TRUST_DOMAIN), 7)
        describe(policies, service, "")
        describe(policies, service, "a.B/C")
