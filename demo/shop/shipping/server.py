"""Shipping's gRPC face; parcels leave when the orders' events say so."""

from collections.abc import Awaitable, Callable

import grpc.aio
from typing_extensions import override

from demo.shop.following import Follower
from demo.shop.serving import ServiceFlags, main
from demo.shop.shipping.store import ShipmentStore
from demo.shop.v1 import orders_pb2
from demo.shop.v1 import shipping_pb2 as pb
from demo.shop.v1 import shipping_pb2_grpc as rpc

NOWHERE = "nowhere"


class Shipping(rpc.ShippingServicer):
    """Answers from its store."""

    def __init__(self, store: ShipmentStore) -> None:
        self._store = store

    @override
    async def CreateShipment(
        self,
        request: pb.CreateShipmentRequest,
        context: grpc.aio.ServicerContext[pb.CreateShipmentRequest, pb.CreateShipmentResponse],
    ) -> pb.CreateShipmentResponse:
        """A parcel once an order."""
        if request.address == NOWHERE:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "nothing is carried to nowhere")
        return pb.CreateShipmentResponse(tracking_id=self._store.create(request.order_id, request.address).tracking_id)

    @override
    async def GetShipment(
        self, request: pb.GetShipmentRequest, context: grpc.aio.ServicerContext[pb.GetShipmentRequest, pb.Shipment]
    ) -> pb.Shipment:
        """The parcel of an order."""
        try:
            found = self._store.find(request.order_id)
        except KeyError:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"order {request.order_id!r} has no shipment")
        return pb.Shipment(tracking_id=found.tracking_id, address=found.address, dispatched=found.dispatched)


def dispatch_confirmed(store: ShipmentStore) -> Callable[[orders_pb2.OrderEvent], None]:
    """What shipping does on an order's event."""

    def on_event(event: orders_pb2.OrderEvent) -> None:
        if event.state == orders_pb2.ORDER_STATE_CONFIRMED:
            store.dispatch(event.order_id)

    return on_event


async def register(server: grpc.aio.Server, flags: ServiceFlags) -> Callable[[], Awaitable[None]]:
    """Shipping on its own file, following the orders."""
    store = ShipmentStore(flags.data / "shipping.sqlite")
    rpc.add_ShippingServicer_to_server(Shipping(store), server)
    return Follower("shipping", flags.upstream("orders"), dispatch_confirmed(store)).start()


if __name__ == "__main__":
    main("shipping", register)
