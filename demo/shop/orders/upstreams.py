"""The saga's steps as calls to the other services."""

import grpc.aio

from demo.shop.orders.store import Order
from demo.shop.serving import ServiceFlags
from demo.shop.v1 import (
    inventory_pb2,
    inventory_pb2_grpc,
    payments_pb2,
    payments_pb2_grpc,
    shipping_pb2,
    shipping_pb2_grpc,
)

STEP_SECONDS = 4.0


class Upstreams:
    """Inventory, payments and shipping, by their plain names."""

    def __init__(self, flags: ServiceFlags) -> None:
        self._channels = {
            name: grpc.aio.insecure_channel(flags.upstream(name)) for name in ("inventory", "payments", "shipping")
        }
        self._inventory: inventory_pb2_grpc.InventoryAsyncStub = inventory_pb2_grpc.InventoryStub(
            self._channels["inventory"]
        )
        self._payments: payments_pb2_grpc.PaymentsAsyncStub = payments_pb2_grpc.PaymentsStub(self._channels["payments"])
        self._shipping: shipping_pb2_grpc.ShippingAsyncStub = shipping_pb2_grpc.ShippingStub(self._channels["shipping"])

    async def reserve(self, order: Order) -> int:
        """Inventory.Reserve."""
        lines = [inventory_pb2.Line(sku=line.sku, quantity=line.quantity) for line in order.lines]
        request = inventory_pb2.ReserveRequest(order_id=order.order_id, lines=lines)
        return (await self._inventory.Reserve(request, timeout=STEP_SECONDS)).total_cents

    async def release(self, order: Order) -> None:
        """Inventory.Release."""
        await self._inventory.Release(inventory_pb2.ReleaseRequest(order_id=order.order_id), timeout=STEP_SECONDS)

    async def charge(self, order: Order, card: str) -> str:
        """Payments.Charge."""
        request = payments_pb2.ChargeRequest(order_id=order.order_id, card=card, amount_cents=order.total_cents)
        return (await self._payments.Charge(request, timeout=STEP_SECONDS)).version

    async def refund(self, order: Order) -> None:
        """Payments.Refund."""
        await self._payments.Refund(payments_pb2.RefundRequest(order_id=order.order_id), timeout=STEP_SECONDS)

    async def ship(self, order: Order, address: str) -> str:
        """Shipping.CreateShipment."""
        request = shipping_pb2.CreateShipmentRequest(order_id=order.order_id, address=address)
        return (await self._shipping.CreateShipment(request, timeout=STEP_SECONDS)).tracking_id

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close()
