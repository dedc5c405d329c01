"""The orchestration: steps in order, each with the step that undoes it.

reserve => (charge | failed); charge => (ship | undo reserve); ship => (confirmed | undo charge, undo reserve).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

import grpc
import grpc.aio

from demo.shop.orders.store import CONFIRMED, FAILED, Order


class Steps(Protocol):
    """What the saga calls; each step may end with grpc.aio.AioRpcError."""

    async def reserve(self, order: Order) -> int:
        """Hold the goods; the total in cents."""

    async def release(self, order: Order) -> None:
        """Undo reserve."""

    async def charge(self, order: Order, card: str) -> str:
        """Take the money; the version of the service that took it."""

    async def refund(self, order: Order) -> None:
        """Undo charge."""

    async def ship(self, order: Order, address: str) -> str:
        """Send the parcel; its tracking id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a saga ended: the order, and the status that the caller is told (OK when confirmed)."""

    order: Order
    status: grpc.StatusCode


async def place(steps: Steps, order: Order, card: str, address: str) -> Outcome:
    """Run the steps; when one fails, undo those before it, last first."""
    undo: list[Callable[[Order], Awaitable[None]]] = []
    step = "inventory"
    try:
        # A step that may have happened is undone too: a lost answer is no refusal, and every undoing is idempotent.
        undo.append(steps.release)
        order = replace(order, total_cents=await steps.reserve(order))
        step = "payment"
        undo.append(steps.refund)
        order = replace(order, payment_version=await steps.charge(order, card))
        step = "shipping"
        order = replace(order, tracking_id=await steps.ship(order, address))
    except grpc.aio.AioRpcError as error:
        return await _compensate(order, step, error, undo)
    return Outcome(replace(order, state=CONFIRMED), grpc.StatusCode.OK)


async def _compensate(
    order: Order, step: str, error: grpc.aio.AioRpcError, undo: list[Callable[[Order], Awaitable[None]]]
) -> Outcome:
    failures = [f"{step}: {error.details()}"]
    for action in reversed(undo):
        try:
            await action(order)
        except grpc.aio.AioRpcError as second:
            failures.append(f"undoing: {second.details()}")
    status = error.code() if error.code() in _TOLD else grpc.StatusCode.UNAVAILABLE
    return Outcome(replace(order, state=FAILED, failure="; ".join(failures)), status)


# The caller can do something about these; everything else reads as "try again later".
_TOLD = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED)
