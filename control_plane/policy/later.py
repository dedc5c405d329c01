"""What the design has and this version does not, and what has moved: refused by name, so that nobody believes it to be
in force."""

from typing import Final

KINDS: Final = frozenset({"Gateway", "HTTPRoute", "TCPRoute", "TLSRoute", "ReferenceGrant"})

# By the field's name; names are unambiguous enough that the place does not matter.
FIELDS: Final[dict[str, str]] = {
    "hedge": "hedging",
    "breaker": "the breaker of a service, by its share of faults",
    "successRate": "ejection by success rate",
    "failurePercentage": "ejection by percentage of failures",
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
# By the field's block and name: where it stands now.
MOVED: Final[dict[tuple[str, str], str]] = {
    ("circuitBreaker", "consecutiveFailures"): "outlier",
    ("circuitBreaker", "ejection"): "outlier",
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
