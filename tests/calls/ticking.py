"""A stream that answers at once and goes on for a while."""

from tests.calls.application import ENDS, Application
from tests.conformance import frames as f
from tests.conformance.scripted_server import HEAD, TRAILERS, Conversation, Script

PACE, MESSAGES = 0.1, 7


def ticking(app: Application) -> Script:
    """The head at once, a message each `PACE`, OK."""

    def tick(conversation: Conversation, stream: int, left: int) -> None:
        if stream not in conversation.requests:
            return
        conversation.send(f.data(stream, f.message(b"tick")))
        if left == 1:
            conversation.send(f.headers(stream, TRAILERS, ENDS))
            return
        app.after(PACE, lambda: tick(conversation, stream, left - 1))

    def begin(conversation: Conversation, stream: int) -> None:
        conversation.send(f.headers(stream, HEAD))
        tick(conversation, stream, MESSAGES)

    return begin
