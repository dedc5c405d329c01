"""What a sidecar's own /metrics say, and how far it has moved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from tests.support.mesh import Member

PROTOCOL_ERRORS = "tulle_protocol_errors_total"
CLOSED = "tulle_connections_closed_total"
REFUSED = "tulle_connections_refused_total"


@dataclass(frozen=True)
class Counter:
    """A name with `_total` and the labels that must be equal; series that agree are summed."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def of(self, member: Member) -> float:
        """Its value now, 0 before anything was counted."""
        samples = (sample for family in text_string_to_metric_families(member.metrics()) for sample in family.samples)
        return sum(
            sample.value
            for sample in samples
            if sample.name == self.name and self.labels.items() <= dict(sample.labels).items()
        )


def label_values(member: Member, label: str) -> set[str]:
    """Every value that the label has in any series."""
    samples = (sample for family in text_string_to_metric_families(member.metrics()) for sample in family.samples)
    return {sample.labels[label] for sample in samples if label in sample.labels}


CALM = Counter(PROTOCOL_ERRORS, {"reason": "enhance_your_calm"})
HEADER_LIMIT = Counter("rpc_client_call_duration_seconds_count", {"tulle_reason": "header_limit"})
RECEIVED_HEADER_LIMIT = Counter("rpc_server_call_duration_seconds_count", {"tulle_reason": "header_limit"})
IN_FLIGHT = Counter("tulle_endpoint_in_flight")
ENDED = Counter(CLOSED, {"reason": "protocol"})
