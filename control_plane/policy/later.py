"""What the design has and this version does not: refused by name, so that nobody believes it to be in force."""

from typing import Final

KINDS: Final = frozenset({"Gateway", "HTTPRoute", "TCPRoute", "TLSRoute", "ReferenceGrant"})

# By the field's name; names are unambiguous enough that the place does not matter.
FIELDS: Final[dict[str, str]] = {
    "hedge": "hedging",
    "outlier": "outlier detection",
    "bulkhead": "bulkheads",
    "rateLimit": "rate limits",
    "adaptiveConcurrency": "adaptive concurrency",
    "fault": "fault injection",
    "health": "health targets",
    "when": "conditions in CEL",
    "filters": "filters of routes and backends",
    "sessionPersistence": "session persistence",
    "hostnames": "hostnames of a GRPCRoute",
    "slowStart": "slow start",
    "locality": "locality",
    "panicThreshold": "the panic threshold",
}
# By the field's name and the value.
VALUES: Final = frozenset(
    {
        ("policy", "least_request"),
        ("policy", "ring_hash"),
        ("policy", "maglev"),
        ("policy", "weighted"),
        ("protocol", "tcp"),
        ("type", "RegularExpression"),
        ("mode", "Shadow"),
    }
)
UNEXPANDED: Final = "protos"
