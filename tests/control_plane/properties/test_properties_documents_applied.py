"""Documents at a control plane: all of a file or nothing, the last good state stays, and what is listed is a policy."""

from typing import Any

import grpc
import pytest
from hypothesis import example, given

from protos.tulle.v1 import policy_pb2
from tests.control_plane.properties.documents import any_yaml, mutated_documents
from tests.control_plane.properties.methods import method_of
from tests.control_plane.properties.profile import trying
from tests.control_plane.properties.served import Served

APPLY = method_of("/tulle.v1.Policy/Apply")
KIND_AS_A_LIST = "apiVersion: tulle.dev/v1\nkind: [Service]\nmetadata: {name: orders}\n"
VERSION_AS_A_LIST = "apiVersion: [tulle.dev/v1]\nkind: Service\nmetadata: {name: orders}\n"


def apply(plane: Served, *yaml: str, dry_run: bool = False) -> Any:
    sources = [policy_pb2.Source(file=f"{number}.yaml", yaml=text) for number, text in enumerate(yaml)]
    return plane.call("Operator", APPLY, policy_pb2.ApplyRequest(sources=sources, dry_run=dry_run))


@pytest.mark.parametrize("dry_run", [False, True], ids=["applied", "rehearsed"])
def test_any_file_is_written_whole_or_not_at_all(dry_run: bool, plane: Served) -> None:
    @trying(60)
    @given(any_yaml().filter(_is_unicode))
    @example(KIND_AS_A_LIST)
    @example(VERSION_AS_A_LIST)
    def holds(text: str) -> None:
        before = plane.state()
        answer = apply(plane, text, dry_run=dry_run)
        assert answer.code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT), f"{answer.code}: {answer.details}"
        if answer.code is not grpc.StatusCode.OK or dry_run:
            assert plane.state() == before, "the last good state stays"
        assert plane.complaints.lines == []

    holds()


def test_what_is_listed_is_what_was_applied(plane: Served) -> None:
    """Writing it once more changes nothing."""

    @trying(40)
    @given(mutated_documents().filter(_is_unicode))
    def holds(text: str) -> None:
        if apply(plane, text).code is not grpc.StatusCode.OK:
            return
        before = plane.state()
        listed = plane.ask("/tulle.v1.Policy/List", policy_pb2.ListRequest())
        assert isinstance(listed, policy_pb2.ListResponse)
        again = apply(plane, *(document.yaml for document in listed.documents))
        assert again.code is grpc.StatusCode.OK, again.details
        assert {change.action for change in again.responses[0].changes} <= {"unchanged"}
        assert plane.state() == before

    holds()


def _is_unicode(text: str) -> bool:
    """Nothing else fits into a protobuf string."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
