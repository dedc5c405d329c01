"""The orchestration: what is undone when a step fails, and in which order."""

import grpc
import grpc.aio
import pytest

from demo.shop.orders.saga import place
from demo.shop.orders.store import CONFIRMED, FAILED, Line, Order

ORDER = Order("o-1", (Line("felt-hat", 1),))


class Recorder:
    """Steps that write down what is asked of them; `failing` ones end with a status."""

    def __init__(self, **failing: grpc.StatusCode) -> None:
        self._failing = failing
        self.asked: list[str] = []

    async def reserve(self, order: Order) -> int:
        self._ask("reserve")
        return 8_800

    async def release(self, order: Order) -> None:
        self._ask("release")

    async def charge(self, order: Order, card: str) -> str:
        self._ask("charge")
        return "v1"

    async def refund(self, order: Order) -> None:
        self._ask("refund")

    async def ship(self, order: Order, address: str) -> str:
        self._ask("ship")
        return "t-1"

    def _ask(self, step: str) -> None:
        self.asked.append(step)
        if step in self._failing:
            empty = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(self._failing[step], empty, empty, f"{step} says no")


async def test_all_steps_in_order_confirm() -> None:
    steps = Recorder()
    outcome = await place(steps, ORDER, "4242", "here")
    assert steps.asked == ["reserve", "charge", "ship"]
    assert outcome.status is grpc.StatusCode.OK
    assert (outcome.order.state, outcome.order.total_cents, outcome.order.tracking_id) == (CONFIRMED, 8_800, "t-1")


@pytest.mark.parametrize(
    ("failing", "asked"),
    [
        ("reserve", ["reserve", "release"]),
        ("charge", ["reserve", "charge", "refund", "release"]),
        ("ship", ["reserve", "charge", "ship", "refund", "release"]),
    ],
)
async def test_a_failing_step_undoes_itself_and_those_before_it_last_first(failing: str, asked: list[str]) -> None:
    steps = Recorder(**{failing: grpc.StatusCode.FAILED_PRECONDITION})
    outcome = await place(steps, ORDER, "4242", "here")
    assert steps.asked == asked
    assert outcome.status is grpc.StatusCode.FAILED_PRECONDITION
    assert outcome.order.state == FAILED
    assert f"{failing} says no" in outcome.order.failure


async def test_a_failure_that_the_caller_can_do_nothing_about_reads_as_unavailable() -> None:
    outcome = await place(Recorder(charge=grpc.StatusCode.PERMISSION_DENIED), ORDER, "4242", "here")
    assert outcome.status is grpc.StatusCode.UNAVAILABLE


async def test_an_undoing_that_fails_stops_no_other_and_is_told() -> None:
    steps = Recorder(ship=grpc.StatusCode.UNAVAILABLE, refund=grpc.StatusCode.INTERNAL)
    outcome = await place(steps, ORDER, "4242", "here")
    assert steps.asked[-2:] == ["refund", "release"]
    assert outcome.order.failure == "shipping: ship says no; undoing: refund says no"
