"""What `get` and `delete` can be asked for, by any of its usual names."""

from dataclasses import dataclass
from difflib import get_close_matches

from tulle.errors import UsageProblem

DOCUMENT_KINDS = ("Mesh", "Service", "GRPCRoute", "TrafficPolicy", "AccessPolicy")
_NAMES = {
    **{kind.lower(): kind for kind in DOCUMENT_KINDS},
    "meshes": "Mesh",
    "services": "Service",
    "svc": "Service",
    "grpcroutes": "GRPCRoute",
    "route": "GRPCRoute",
    "routes": "GRPCRoute",
    "trafficpolicies": "TrafficPolicy",
    "tp": "TrafficPolicy",
    "accesspolicies": "AccessPolicy",
    "ap": "AccessPolicy",
}
_LIVE = {"instance": "instances", "instances": "instances", "proxy": "proxies", "proxies": "proxies", "all": "all"}


@dataclass(frozen=True, slots=True)
class ServiceName:
    """ "namespace/name"; a name alone is in the namespace "default"."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str, flag: str) -> "ServiceName":
        """Raises UsageProblem naming `flag`."""
        namespace, slash, name = text.rpartition("/")
        if not name or (slash and not namespace) or "/" in namespace:
            raise UsageProblem(f"{flag} {text!r} is no service name", "write namespace/name, for example shop/payments")
        return cls(namespace or "default", name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def document_kind(text: str) -> str:
    """The kind of documents that `text` names. Raises UsageProblem with a suggestion."""
    return _one_of(text, _NAMES)


def listed_kind(text: str) -> str:
    """As document_kind, or "instances", "proxies", "all"."""
    return _one_of(text, _NAMES | _LIVE)


def _one_of(text: str, known: dict[str, str]) -> str:
    found = known.get(text.lower())
    if found is None:
        near = get_close_matches(text.lower(), known, 1)
        hint = f"did you mean '{near[0]}'?" if near else "kinds are: " + ", ".join(sorted(set(known.values())))
        raise UsageProblem(f"KIND {text!r}: no such kind", hint)
    return found
