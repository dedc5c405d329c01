"""A service of two instances, each with an application of frames, and a caller's sidecar."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tests.calls.application import Application
from tests.calls.caller import Caller
from tests.calls.place import guests
from tests.conformance.lane import Lane
from tests.conformance.scripted_server import Script
from tests.support.mesh import NAMESPACE, Member


@dataclass(frozen=True)
class Two:
    """`first` and `second` take calls in turn, unless one is ejected."""

    lane: Lane
    name: str
    first: Application
    second: Application
    caller: Member

    def connect(self) -> Caller:
        return Caller(str(self.caller.addresses["outbound"]), f"{self.name}.{NAMESPACE}")

    def both(self, case: str, script: Script) -> None:
        """The same at either."""
        for app in (self.first, self.second):
            app.scripts[case] = script


@contextmanager
def two(lane: Lane, name: str) -> Iterator[Two]:
    """In the end both sidecars and applications are gone."""
    first, second = Application(), Application()
    with guests(lane), closing(first), closing(second):
        for app in (first, second):
            lane.beside(name, app.port)
        caller = lane.caller_of(name)
        lane.reaches_any(caller, name)
        yield Two(lane, name, first, second, caller)
