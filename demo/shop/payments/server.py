"""Payments' gRPC face, in two versions: v2 declines in words that a shopper understands."""

import time

import grpc.aio
from typing_extensions import override

from demo.shop.payments.failing import Chaos, FailingSpell
from demo.shop.payments.store import PaymentStore
from demo.shop.serving import ServiceFlags, main
from demo.shop.v1 import chaos_pb2_grpc
from demo.shop.v1 import payments_pb2 as pb
from demo.shop.v1 import payments_pb2_grpc as rpc

DECLINED_CARD = "4000-0000"
DECLINED = {"v1": "card declined: code 51", "v2": "the card is declined: ask your bank, or pay with another one"}


class Payments(rpc.PaymentsServicer):
    """Answers from its ledger, unless a failing spell lasts."""

    def __init__(self, store: PaymentStore, version: str, spell: FailingSpell) -> None:
        self._store = store
        self._version = version
        self._spell = spell

    @override
    async def Charge(
        self, request: pb.ChargeRequest, context: grpc.aio.ServicerContext[pb.ChargeRequest, pb.ChargeResponse]
    ) -> pb.ChargeResponse:
        """Take the money once an order."""
        await self._spell.strike(context)
        if request.card == DECLINED_CARD:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, DECLINED[self._version])
        charge = self._store.charge(request.order_id, request.amount_cents, self._version)
        return pb.ChargeResponse(payment_id=charge.payment_id, version=charge.version)

    @override
    async def Refund(
        self, request: pb.RefundRequest, context: grpc.aio.ServicerContext[pb.RefundRequest, pb.RefundResponse]
    ) -> pb.RefundResponse:
        """Give it back."""
        await self._spell.strike(context)
        return pb.RefundResponse(refunded=self._store.refund(request.order_id))


async def register(server: grpc.aio.Server, flags: ServiceFlags) -> None:
    """Payments on the ledger that all its instances share, and the handle of its failing spell."""
    spell = FailingSpell(time.monotonic)
    store = PaymentStore(flags.data / "payments.sqlite")
    rpc.add_PaymentsServicer_to_server(Payments(store, flags.version, spell), server)
    chaos_pb2_grpc.add_ChaosServicer_to_server(Chaos(spell), server)


if __name__ == "__main__":
    main("payments", register)
