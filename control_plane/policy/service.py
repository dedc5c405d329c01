"""The policy administration's gRPC face (protos/tulle/v1/policy.proto)."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import grpc
from typing_extensions import override

from control_plane.clock import Clock
from control_plane.events import EventSink
from control_plane.policy.analyse import analyse, refuse
from control_plane.policy.canonical import to_yaml
from control_plane.policy.describe import describe
from control_plane.policy.history import Change
from control_plane.policy.ledger import Author, Books, Edit, Ledger, check_revision, remove, upsert
from control_plane.policy.load import Loaded, Source, load
from control_plane.policy.model import DocumentKey
from control_plane.policy.policy_set import PolicySet
from control_plane.policy.problem import InvalidDocumentsError, InvalidRequestError, UnknownDocumentError
from control_plane.policy.resolve import resolve
from control_plane.policy.suggest import did_you_mean
from control_plane.store.base import Store
from control_plane.workload import WorkloadRef
from protos.tulle.v1 import policy_pb2, policy_pb2_grpc, registry_pb2

Context = grpc.aio.ServicerContext[Any, Any]
Instances = Callable[[], Awaitable[Sequence[registry_pb2.Instance]]]
"""Every registered instance, now."""

LONGEST_TEXT: Final = 1000
LISTED_REVISIONS: Final = 50
REASON_ANNOTATION: Final = "tulle.dev/reason"


class PolicyService(policy_pb2_grpc.PolicyServicer):
    """Documents in, a revision out. Raises errors of `control_plane.errors`; who may call is the guard's to say."""

    def __init__(self, store: Store, instances: Instances, events: EventSink, clock: Clock, trust_domain: str) -> None:
        self._ledger = Ledger(store)
        self._instances = instances
        self._events = events
        self._clock = clock
        self._trust_domain = trust_domain

    @override
    async def Apply(self, request: policy_pb2.ApplyRequest, context: Context) -> policy_pb2.ApplyResponse:
        loaded = load(Source(source.file, source.yaml) for source in request.sources)
        problems = refuse(loaded, self._trust_domain)
        if problems:
            raise InvalidDocumentsError(problems)
        if not loaded:
            raise InvalidRequestError("no document was given", hint="name files that hold at least one")
        author = _author(request.author, request.reason or _reason_of(loaded), self._clock.now())
        return await self._write(
            lambda books: upsert(books, (one.document for one in loaded)),
            author,
            request.expected_revision,
            dry_run=request.dry_run,
        )

    @override
    async def Delete(self, request: policy_pb2.DeleteRequest, context: Context) -> policy_pb2.ApplyResponse:
        keys = [DocumentKey(key.kind, key.namespace or "default", key.name) for key in request.keys]
        if not keys:
            raise InvalidRequestError("no document was named", hint="name at least one, by kind, namespace and name")
        author = _author(request.author, request.reason, self._clock.now())
        return await self._write(lambda books: remove(books, keys), author, request.expected_revision, dry_run=False)

    @override
    async def List(self, request: policy_pb2.ListRequest, context: Context) -> policy_pb2.ListResponse:
        books = await self._ledger.read()
        documents = [
            policy_pb2.Document(key=_key(stored.key), yaml=to_yaml(stored.document), revision=stored.changed)
            for stored in sorted(books.policies, key=lambda one: one.key)
            if _asked(request, stored.key)
        ]
        return policy_pb2.ListResponse(revision=books.revision, documents=documents)

    @override
    async def History(self, request: policy_pb2.HistoryRequest, context: Context) -> policy_pb2.HistoryResponse:
        books = await self._ledger.read()
        revisions = [
            policy_pb2.Revision(
                revision=revision,
                time_unix_ms=int(record.time.timestamp() * 1000),
                author=record.author,
                reason=record.reason,
                changes=_changes(record.changes),
            )
            for revision, record in books.history.newest(request.limit or LISTED_REVISIONS)
        ]
        return policy_pb2.HistoryResponse(revisions=revisions)

    @override
    async def Describe(self, request: policy_pb2.DescribeRequest, context: Context) -> policy_pb2.DescribeResponse:
        service = WorkloadRef.parse(request.service, self._trust_domain).name
        policies, instances = (await self._ledger.read()).policies, await self._instances()
        known = {*policies.services, *(one.service for one in instances)}
        if service not in known:
            raise UnknownDocumentError(f"service {service} does not exist", hint=did_you_mean(service, known))
        return policy_pb2.DescribeResponse(
            service=service,
            values=describe(policies, service, request.method.lstrip("/")),
            instances=[one for one in instances if one.service == service],
        )

    async def _write(
        self, edit: Callable[[Books], Edit], author: Author, expected: int, *, dry_run: bool
    ) -> policy_pb2.ApplyResponse:
        instances = await self._instances()
        if dry_run:
            before = await self._ledger.read()
            check_revision(before, expected)
            revision, done = before.revision, edit(before)
            self._rehearse(done.after, instances)
        else:
            revision, done, before = await self._ledger.write(edit, author, expected)
            self._tell(revision, done, author)
        registered = {instance.service for instance in instances}
        warnings = self._news(before.policies, done, registered)
        return policy_pb2.ApplyResponse(revision=revision, changes=_changes(done.changes), warnings=warnings)

    def _rehearse(self, policies: PolicySet, instances: Sequence[registry_pb2.Instance]) -> None:
        """Resolve for every service, as the next push would."""
        for service in {*policies.services, *(one.service for one in instances)}:
            resolve(policies, instances, WorkloadRef.parse(service, self._trust_domain), 1)

    def _tell(self, revision: int, done: Edit, author: Author) -> None:
        changed = [f"{change.key} {change.action}" for change in done.changes if change.action != "unchanged"]
        if changed:
            why = f" ({author.reason})" if author.reason else ""
            self._events.record("apply", f"revision {revision}", f"{author.name}: {', '.join(changed[:10])}{why}")

    def _news(self, before: PolicySet, done: Edit, registered: set[str]) -> list[str]:
        """What is odd about the documents given, and what else this write made odd."""
        given = {change.key for change in done.changes}
        old = set(analyse(before, registered, self._trust_domain))
        found = analyse(done.after, registered, self._trust_domain)
        return list(dict.fromkeys(notice.text for notice in found if notice.keys & given or notice not in old))


def _author(name: str, reason: str, time: datetime) -> Author:
    for field, text in (("author", name), ("reason", reason)):
        if len(text) > LONGEST_TEXT:
            raise InvalidRequestError(f"{field} is over {LONGEST_TEXT} characters", hint="shorten it")
    return Author(name or "operator", reason, time)


def _reason_of(loaded: Iterable[Loaded]) -> str:
    given = (one.document.metadata.annotations.get(REASON_ANNOTATION) for one in loaded)
    return "; ".join(dict.fromkeys(reason for reason in given if reason))[:LONGEST_TEXT]


def _asked(request: policy_pb2.ListRequest, key: DocumentKey) -> bool:
    wanted = ((request.kind, key.kind), (request.namespace, key.namespace), (request.name, key.name))
    return all(asked in ("", given) for asked, given in wanted)


def _changes(changes: Iterable[Change]) -> list[policy_pb2.Change]:
    return [policy_pb2.Change(key=_key(change.key), action=change.action) for change in changes]


def _key(key: DocumentKey) -> policy_pb2.DocumentKey:
    return policy_pb2.DocumentKey(kind=key.kind, namespace=key.namespace, name=key.name)
