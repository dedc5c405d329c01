"""Inventory's gRPC face."""

from typing import NoReturn

import grpc.aio
from typing_extensions import override

from demo.shop.inventory.store import InventoryStore, Line, OutOfStockError, UnknownProductError
from demo.shop.serving import ServiceFlags, main
from demo.shop.v1 import inventory_pb2 as pb
from demo.shop.v1 import inventory_pb2_grpc as rpc


class Inventory(rpc.InventoryServicer):
    """Answers from its store."""

    def __init__(self, store: InventoryStore) -> None:
        self._store = store

    @override
    async def ListProducts(
        self,
        request: pb.ListProductsRequest,
        context: grpc.aio.ServicerContext[pb.ListProductsRequest, pb.ListProductsResponse],
    ) -> pb.ListProductsResponse:
        """The catalogue."""
        return pb.ListProductsResponse(
            products=[
                pb.Product(sku=p.sku, title=p.title, price_cents=p.price_cents, in_stock=p.in_stock)
                for p in self._store.products()
            ]
        )

    @override
    async def Reserve(
        self, request: pb.ReserveRequest, context: grpc.aio.ServicerContext[pb.ReserveRequest, pb.ReserveResponse]
    ) -> pb.ReserveResponse:
        """Hold every line or none."""
        lines = [Line(line.sku, line.quantity) for line in request.lines]
        try:
            return pb.ReserveResponse(total_cents=self._store.reserve(request.order_id, lines))
        except (UnknownProductError, OutOfStockError) as error:
            await _refuse(context, error)

    @override
    async def Release(
        self, request: pb.ReleaseRequest, context: grpc.aio.ServicerContext[pb.ReleaseRequest, pb.ReleaseResponse]
    ) -> pb.ReleaseResponse:
        """Give back what the order holds."""
        return pb.ReleaseResponse(released=self._store.release(request.order_id))


async def _refuse(
    context: grpc.aio.ServicerContext[pb.ReserveRequest, pb.ReserveResponse],
    error: UnknownProductError | OutOfStockError,
) -> NoReturn:
    unknown = isinstance(error, UnknownProductError)
    await context.abort(grpc.StatusCode.NOT_FOUND if unknown else grpc.StatusCode.FAILED_PRECONDITION, str(error))


async def register(server: grpc.aio.Server, flags: ServiceFlags) -> None:
    """Inventory on its own file."""
    rpc.add_InventoryServicer_to_server(Inventory(InventoryStore(flags.data / "inventory.sqlite")), server)


if __name__ == "__main__":
    main("inventory", register)
