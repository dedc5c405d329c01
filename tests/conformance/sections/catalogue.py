"""All cases of a server, in the order of the RFCs."""

from tests.conformance.sections import connection, flow_control, frame_types, hpack, messages
from tests.conformance.sections.case import Case


def cases() -> tuple[Case, ...]:
    """RFC 9113 §3 to §8, then RFC 7541."""
    return (
        *connection.start(),
        *connection.shape(),
        *connection.idle(),
        *connection.half_closed(),
        *connection.closed(),
        *connection.streams(),
        *frame_types.data(),
        *frame_types.headers(),
        *frame_types.priority_and_reset(),
        *frame_types.settings(),
        *frame_types.ping_and_goaway(),
        *flow_control.updates(),
        *flow_control.obedience(),
        *flow_control.protection(),
        *frame_types.continuation(),
        *messages.framing(),
        *messages.fields(),
        *messages.departures(),
        *messages.pseudo(),
        *hpack.representations(),
        *hpack.errors(),
    )
