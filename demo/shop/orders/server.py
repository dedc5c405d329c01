"""Orders' gRPC face."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc.aio
from typing_extensions import override

from demo.shop.orders.saga import Steps, place
from demo.shop.orders.store import CONFIRMED, FAILED, PENDING, Event, Line, Order, OrderStore
from demo.shop.orders.upstreams import Upstreams
from demo.shop.serving import ServiceFlags, main
from demo.shop.v1 import inventory_pb2
from demo.shop.v1 import orders_pb2 as pb
from demo.shop.v1 import orders_pb2_grpc as rpc

EVENTS_AT_ONCE = 100
# After this long a follower's stream ends and it comes back: a stream that never ends is never balanced anew.
FOLLOW_SECONDS = 5.0

_STATES = {PENDING: pb.ORDER_STATE_PENDING, CONFIRMED: pb.ORDER_STATE_CONFIRMED, FAILED: pb.ORDER_STATE_FAILED}


class Orders(rpc.OrdersServicer):
    """Runs one saga an order, and tells followers what became of it."""

    def __init__(self, store: OrderStore, steps: Steps, follow_seconds: float = FOLLOW_SECONDS) -> None:
        self._store = store
        self._steps = steps
        self._follow_seconds = follow_seconds
        self._running: dict[str, asyncio.Task[grpc.StatusCode]] = {}
        self._news = asyncio.Event()

    @override
    async def PlaceOrder(
        self, request: pb.PlaceOrderRequest, context: grpc.aio.ServicerContext[pb.PlaceOrderRequest, pb.Order]
    ) -> pb.Order:
        """Place it once; the same id while it is being placed waits for the same end."""
        status = await self._settle(request)
        order = self._store.find(request.order_id)
        if order is None:
            await context.abort(grpc.StatusCode.INTERNAL, f"order {request.order_id!r} was not written")
        if status is not grpc.StatusCode.OK:
            await context.abort(status, order.failure)
        return _to_wire(order)

    @override
    async def GetOrder(
        self, request: pb.GetOrderRequest, context: grpc.aio.ServicerContext[pb.GetOrderRequest, pb.Order]
    ) -> pb.Order:
        """The order as it stands."""
        order = self._store.find(request.order_id)
        if order is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no order {request.order_id!r}")
        return _to_wire(order)

    @override
    async def Follow(
        self,
        request_iterator: AsyncIterator[pb.FollowRequest],
        context: grpc.aio.ServicerContext[pb.FollowRequest, pb.OrderEvent],
    ) -> AsyncIterator[pb.OrderEvent]:
        """Events from the follower's position on, for a while."""
        first = await anext(aiter(request_iterator), None)
        if first is None or not first.follower:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "follower: the first message names the follower")
        position = first.position or self._store.position_of(first.follower)
        confirmations = asyncio.create_task(self._confirm(first.follower, request_iterator))
        try:
            async for event in self._events(position, asyncio.get_running_loop().time() + self._follow_seconds):
                yield _event_to_wire(event)
        finally:
            confirmations.cancel()

    async def _settle(self, request: pb.PlaceOrderRequest) -> grpc.StatusCode:
        if request.order_id not in self._running:
            known = self._store.find(request.order_id)
            if known is not None and known.state != PENDING:
                return grpc.StatusCode.OK if known.state == CONFIRMED else grpc.StatusCode.FAILED_PRECONDITION
            task = asyncio.create_task(self._run(request))
            self._running[request.order_id] = task
            task.add_done_callback(lambda _: self._running.pop(request.order_id, None))
        # Shielded: a caller that goes away must not leave an order half placed.
        return await asyncio.shield(self._running[request.order_id])

    async def _run(self, request: pb.PlaceOrderRequest) -> grpc.StatusCode:
        order = Order(request.order_id, tuple(Line(line.sku, line.quantity) for line in request.lines))
        self._save(order)
        outcome = await place(self._steps, order, request.card, request.address)
        self._save(outcome.order)
        return outcome.status

    def _save(self, order: Order) -> None:
        self._store.save(order)
        self._news.set()

    async def _events(self, position: int, until: float) -> AsyncIterator[Event]:
        while True:
            self._news.clear()
            for event in self._store.events_after(position, EVENTS_AT_ONCE):
                position = event.position
                yield event
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _confirm(self, follower: str, confirmations: AsyncIterator[pb.FollowRequest]) -> None:
        async for message in confirmations:
            self._store.confirm(follower, message.position)


def _to_wire(order: Order) -> pb.Order:
    return pb.Order(
        order_id=order.order_id,
        state=_STATES[order.state],
        total_cents=order.total_cents,
        payment_version=order.payment_version,
        tracking_id=order.tracking_id,
        failure=order.failure,
    )


def _event_to_wire(event: Event) -> pb.OrderEvent:
    lines = [inventory_pb2.Line(sku=line.sku, quantity=line.quantity) for line in event.lines]
    return pb.OrderEvent(position=event.position, order_id=event.order_id, state=_STATES[event.state], lines=lines)


async def register(server: grpc.aio.Server, flags: ServiceFlags) -> Callable[[], Awaitable[None]]:
    """Orders on their own file, with the services that a saga needs."""
    upstreams = Upstreams(flags)
    rpc.add_OrdersServicer_to_server(Orders(OrderStore(flags.data / "orders.sqlite"), upstreams), server)
    return upstreams.close


if __name__ == "__main__":
    main("orders", register)
