"""What shoppers do, and how often."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import grpc.aio

from demo.shop.v1 import inventory_pb2, storefront_pb2, storefront_pb2_grpc

CALL_SECONDS = 10.0
SKUS = ("tulle-veil", "silk-scarf", "linen-shirt", "wool-socks", "lace-gloves", "felt-hat")
# One order in so many goes to an address that nothing is carried to: the compensation is seen at work.
NOWHERE_ONE_IN = 50


@dataclass(frozen=True, slots=True)
class Action:
    """A kind of call and its share of all."""

    name: str
    share: int
    call: Callable[["Shopper"], Awaitable[None]]


class Shopper:
    """One channel to the storefront; `chance` decides what is bought."""

    def __init__(self, channel: grpc.aio.Channel, chance: random.Random) -> None:
        self._storefront: storefront_pb2_grpc.StorefrontAsyncStub = storefront_pb2_grpc.StorefrontStub(channel)
        self._chance = chance

    async def browse(self) -> None:
        """Look at the catalogue."""
        await self._storefront.Browse(storefront_pb2.BrowseRequest(), timeout=CALL_SECONDS)

    async def suggest(self) -> None:
        """Read suggestions to the end."""
        request = storefront_pb2.SuggestRequest(sku=self._chance.choice(SKUS))
        async for _ in self._storefront.Suggest(request, timeout=CALL_SECONDS):
            pass

    async def checkout(self) -> None:
        """Order two things."""
        lines = [inventory_pb2.Line(sku=sku, quantity=1) for sku in self._chance.sample(SKUS, 2)]
        nowhere = self._chance.randrange(NOWHERE_ONE_IN) == 0
        request = storefront_pb2.CheckoutRequest(
            order_id=str(UUID(int=self._chance.getrandbits(128), version=4)),
            lines=lines,
            card="4242-4242",
            address="nowhere" if nowhere else "Rue de la Paix 1",
        )
        await self._storefront.Checkout(request, timeout=CALL_SECONDS)


MIX = (
    Action("browse", 5, Shopper.browse),
    Action("checkout", 3, Shopper.checkout),
    Action("suggest", 2, Shopper.suggest),
)


def choose(chance: random.Random) -> Action:
    """One of MIX, by its share."""
    return chance.choices(MIX, weights=[action.share for action in MIX])[0]
