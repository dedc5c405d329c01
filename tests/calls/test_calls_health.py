"""Whether an application lives: any answer but NOT_SERVING proves it, and whoever is out, everybody is told why."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.calls.applications import NOT_SERVING, SERVING, Checks, Login, bytes_application, grpc_application
from tests.calls.caller import Answer, Caller
from tests.calls.place import guests
from tests.conformance.lane import Lane
from tests.support.mesh import NAMESPACE, Member
from tests.support.waiting import until

pytestmark = pytest.mark.real

SOON = 3.0  # seconds in which a living application is called
PROMPT = 0.4  # 0.3 and what a machine at work takes
ALIVE = ("login", "other-names", "garbage", "no-health", "by-its-name", "six", "six-by-name")
DECLARED = f"""
apiVersion: tulle.dev/v1
kind: Service
metadata: {{name: by-its-name, namespace: {NAMESPACE}}}
spec: {{healthCheck: {{service: lab.Lab}}}}
---
apiVersion: tulle.dev/v1
kind: Service
metadata: {{name: unwell-one, namespace: {NAMESPACE}}}
spec: {{}}
"""
NO_HTTP_2 = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True)
class Ward:
    """Applications of every state behind their sidecars."""

    lane: Lane
    checks: Checks
    members: dict[str, Member]
    caller: Member

    def call(self, name: str) -> Answer:
        with Caller(str(self.caller.addresses["outbound"]), f"{name}.{NAMESPACE}") as caller:
            return caller.call(("authorization", "Bearer t"))

    def log(self, name: str) -> str:
        return self.members[name].sidecar.log.read_text(errors="replace")

    def is_ready(self, name: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.members[name].addresses['admin']}/readyz", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return False


@pytest.fixture(scope="module")
def ward(calls_lane: Lane) -> Iterator[Ward]:
    checks, by_name = Checks(overall=NOT_SERVING), Checks(overall=NOT_SERVING, **{"lab.Lab": SERVING})
    with ExitStack() as stack:
        begin = stack.enter_context
        at = {
            "login": f"127.0.0.1:{begin(grpc_application(interceptors=(Login(),)))}",
            "other-names": f"127.0.0.1:{begin(grpc_application(checks=Checks(lab=SERVING)))}",
            "garbage": f"127.0.0.1:{begin(grpc_application(garbage=bytes([255] * 3)))}",
            "no-health": f"127.0.0.1:{begin(grpc_application())}",
            "by-its-name": f"127.0.0.1:{begin(grpc_application(checks=by_name))}",
            "six": f"[::1]:{begin(grpc_application('[::1]'))}",
            "six-by-name": f"localhost:{begin(grpc_application('[::1]'))}",
            "unwell-one": f"127.0.0.1:{begin(grpc_application(checks=checks))}",
            "no-http-2": f"127.0.0.1:{begin(bytes_application(NO_HTTP_2))}",
        }
        begin(guests(calls_lane))
        calls_lane.apply(DECLARED)
        with ThreadPoolExecutor(3) as pool:
            join = lambda name: calls_lane.join(name, None, ("--application", at[name]))  # noqa: E731
            members = dict(zip(at, pool.map(join, at), strict=True))
        yield Ward(calls_lane, checks, members, calls_lane.caller_of(*at))


@pytest.mark.parametrize("name", ALIVE)
def test_an_application_that_answers_anything_is_called(name: str, ward: Ward) -> None:
    deadline = time.monotonic() + SOON
    while (seen := ward.call(name)).status != "0" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen.status == "0", f"{seen.told()}; its sidecar says: {ward.log(name)[-300:]}"


def test_who_is_registered_and_unwell_is_not_said_to_be_unregistered(ward: Ward) -> None:
    seen = ward.call("unwell-one")
    assert (seen.status, seen.reason) == ("14", "no_endpoints"), seen.told()
    assert "NOT_SERVING" in seen.text, seen.told()
    assert "is the service registered?" not in seen.text


def test_who_never_came_is_said_to_be_unregistered(ward: Ward) -> None:
    ward.lane.apply(DECLARED.replace("unwell-one", "nobody"))
    until(lambda: ward.call("nobody").reason == "no_endpoints", "a route to the declared service", SOON)
    seen = ward.call("nobody")
    assert (seen.status, seen.reason) == ("14", "no_endpoints"), seen.told()
    assert "registered" in seen.text


@pytest.mark.parametrize(("name", "why"), [("unwell-one", "NOT_SERVING"), ("no-http-2", "HTTP/2")])
def test_a_verdict_is_logged_from_the_first_one_on(name: str, why: str, ward: Ward) -> None:
    until(lambda: why in ward.log(name), f"{why} in the log of {name}", SOON)


def test_status_says_why_an_instance_is_out(ward: Ward) -> None:
    told = ward.lane.tulle("status").stdout
    assert "NOT_SERVING" in told, told


def test_check_fails_while_a_declared_service_has_no_healthy_instance(ward: Ward) -> None:
    done = ward.lane.tulle("check", check=False)
    assert done.returncode == 1, done.stdout
    assert f"{NAMESPACE}/unwell-one" in done.stdout


def test_the_first_healthy_answer_is_seen_at_once(ward: Ward) -> None:
    assert not ward.is_ready("unwell-one")
    ward.checks.states[""] = SERVING
    begun = time.monotonic()
    until(lambda: ward.is_ready("unwell-one"), "ready", SOON)
    took = time.monotonic() - begun
    assert took < PROMPT
