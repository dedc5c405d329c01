"""The storefront's gRPC face: each call goes on to one service behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc.aio
from typing_extensions import override

from demo.shop.serving import ServiceFlags, main
from demo.shop.storefront.store import VisitStore
from demo.shop.v1 import (
    inventory_pb2,
    inventory_pb2_grpc,
    orders_pb2,
    orders_pb2_grpc,
    recommendations_pb2,
    recommendations_pb2_grpc,
)
from demo.shop.v1 import storefront_pb2 as pb
from demo.shop.v1 import storefront_pb2_grpc as rpc

BROWSE_SECONDS = 2.0
CHECKOUT_SECONDS = 8.0
UPSTREAMS = ("inventory", "orders", "recommendations")


class Storefront(rpc.StorefrontServicer):
    """Calls inventory, orders and recommendations by their plain names."""

    def __init__(self, store: VisitStore, channels: dict[str, grpc.aio.Channel]) -> None:
        self._store = store
        self._inventory: inventory_pb2_grpc.InventoryAsyncStub = inventory_pb2_grpc.InventoryStub(channels["inventory"])
        self._orders: orders_pb2_grpc.OrdersAsyncStub = orders_pb2_grpc.OrdersStub(channels["orders"])
        self._recommendations: recommendations_pb2_grpc.RecommendationsAsyncStub = (
            recommendations_pb2_grpc.RecommendationsStub(channels["recommendations"])
        )

    @override
    async def Browse(
        self, request: pb.BrowseRequest, context: grpc.aio.ServicerContext[pb.BrowseRequest, pb.BrowseResponse]
    ) -> pb.BrowseResponse:
        """The catalogue, from inventory."""
        self._store.visit("browse")
        try:
            answer = await self._inventory.ListProducts(inventory_pb2.ListProductsRequest(), timeout=BROWSE_SECONDS)
        except grpc.aio.AioRpcError as error:
            await _pass_on(context, error)
        return pb.BrowseResponse(products=answer.products)

    @override
    async def Checkout(
        self, request: pb.CheckoutRequest, context: grpc.aio.ServicerContext[pb.CheckoutRequest, orders_pb2.Order]
    ) -> orders_pb2.Order:
        """An order, placed by orders."""
        self._store.visit("checkout")
        wanted = orders_pb2.PlaceOrderRequest(
            order_id=request.order_id, lines=request.lines, card=request.card, address=request.address
        )
        try:
            return await self._orders.PlaceOrder(wanted, timeout=CHECKOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            await _pass_on(context, error)

    @override
    async def Suggest(
        self,
        request: pb.SuggestRequest,
        context: grpc.aio.ServicerContext[pb.SuggestRequest, recommendations_pb2.Recommendation],
    ) -> AsyncIterator[recommendations_pb2.Recommendation]:
        """What goes with a product, from recommendations."""
        self._store.visit("suggest")
        wanted = recommendations_pb2.RecommendRequest(sku=request.sku)
        try:
            async for suggestion in self._recommendations.Recommend(wanted, timeout=BROWSE_SECONDS):
                yield suggestion
        except grpc.aio.AioRpcError as error:
            await _pass_on(context, error)


async def _pass_on(context: grpc.aio.ServicerContext[Any, Any], error: grpc.aio.AioRpcError) -> NoReturn:
    await context.abort(error.code(), error.details() or "")


async def register(server: grpc.aio.Server, flags: ServiceFlags) -> Callable[[], Awaitable[None]]:
    """The storefront, with a channel to each service behind it."""
    channels = {name: grpc.aio.insecure_channel(flags.upstream(name)) for name in UPSTREAMS}
    store = VisitStore(flags.data / "storefront.sqlite")
    rpc.add_StorefrontServicer_to_server(Storefront(store, channels), server)

    async def close() -> None:
        for channel in channels.values():
            await channel.close()

    return close


if __name__ == "__main__":
    main("storefront", register)
