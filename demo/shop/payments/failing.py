"""A payments instance's bad minutes: until a moment, every business call fails, its status in trailers."""

from collections.abc import Callable
from typing import Any

import grpc.aio
from typing_extensions import override

from demo.shop.v1 import chaos_pb2 as pb
from demo.shop.v1 import chaos_pb2_grpc as rpc

MAX_SECONDS = 3600.0


class FailingSpell:
    """Fails until `until`; the clock (seconds, monotonic) comes in."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = float("-inf")
        self.failed_calls = 0

    def begin(self, seconds: float) -> None:
        """Fail from now on for `seconds` (0 recovers at once)."""
        self._until = self._clock() + seconds

    async def strike(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """End the call while the spell lasts."""
        if self._clock() >= self._until:
            return
        self.failed_calls += 1
        # Headers go out first, so that UNAVAILABLE comes in trailers: a proxy that looks only at headers misses it.
        await context.send_initial_metadata(())
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the bank does not answer (chaos)")


class Chaos(rpc.ChaosServicer):
    """The remote handle of the spell."""

    def __init__(self, spell: FailingSpell) -> None:
        self._spell = spell

    @override
    async def Fail(
        self, request: pb.FailRequest, context: grpc.aio.ServicerContext[pb.FailRequest, pb.FailResponse]
    ) -> pb.FailResponse:
        """Begin, lengthen or end the spell."""
        if not 0 <= request.seconds <= MAX_SECONDS:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"seconds: {request.seconds} is not within 0 and 3600"
            )
        self._spell.begin(request.seconds)
        return pb.FailResponse(failed_calls=self._spell.failed_calls)
