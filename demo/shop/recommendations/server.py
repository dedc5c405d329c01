"""Recommendations' gRPC face; it learns from the orders' events."""

from collections.abc import AsyncIterator, Awaitable, Callable

import grpc.aio
from typing_extensions import override

from demo.shop.following import Follower
from demo.shop.recommendations.store import RecommendationStore
from demo.shop.serving import ServiceFlags, main
from demo.shop.v1 import orders_pb2
from demo.shop.v1 import recommendations_pb2 as pb
from demo.shop.v1 import recommendations_pb2_grpc as rpc

DEFAULT_LIMIT = 5
MAX_LIMIT = 20


class Recommendations(rpc.RecommendationsServicer):
    """Streams from its store."""

    def __init__(self, store: RecommendationStore) -> None:
        self._store = store

    @override
    async def Recommend(
        self, request: pb.RecommendRequest, context: grpc.aio.ServicerContext[pb.RecommendRequest, pb.Recommendation]
    ) -> AsyncIterator[pb.Recommendation]:
        """Best first."""
        if request.limit > MAX_LIMIT:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"limit: {request.limit} is over the maximum of {MAX_LIMIT}"
            )
        for sku, score in self._store.best(request.sku, request.limit or DEFAULT_LIMIT):
            yield pb.Recommendation(sku=sku, score=score)


def learn_confirmed(store: RecommendationStore) -> Callable[[orders_pb2.OrderEvent], None]:
    """What recommendations do on an order's event."""

    def on_event(event: orders_pb2.OrderEvent) -> None:
        if event.state == orders_pb2.ORDER_STATE_CONFIRMED:
            store.learn(event.position, {line.sku for line in event.lines})

    return on_event


async def register(server: grpc.aio.Server, flags: ServiceFlags) -> Callable[[], Awaitable[None]]:
    """Recommendations on their own file, following the orders."""
    store = RecommendationStore(flags.data / "recommendations.sqlite")
    rpc.add_RecommendationsServicer_to_server(Recommendations(store), server)
    return Follower("recommendations", flags.upstream("orders"), learn_confirmed(store)).start()


if __name__ == "__main__":
    main("recommendations", register)
