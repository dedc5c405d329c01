"""The shop's services, called straight: orchestration, compensation, both kinds of stream, a store each."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest

from demo.shop.payments.store import PaymentStore
from demo.shop.recommendations.store import RecommendationStore
from demo.shop.shipping.store import ShipmentStore
from demo.shop.v1 import (
    chaos_pb2,
    chaos_pb2_grpc,
    inventory_pb2,
    inventory_pb2_grpc,
    orders_pb2,
    orders_pb2_grpc,
    payments_pb2,
    payments_pb2_grpc,
    storefront_pb2,
    storefront_pb2_grpc,
)

SECONDS = 15.0
Shop = dict[str, grpc.aio.Channel]


def checkout(
    order_id: str, *, card: str = "4242", address: str = "here", skus: tuple[str, ...] = ("felt-hat",)
) -> storefront_pb2.CheckoutRequest:
    lines = [inventory_pb2.Line(sku=sku, quantity=1) for sku in skus]
    return storefront_pb2.CheckoutRequest(order_id=order_id, lines=lines, card=card, address=address)


async def stock(shop: Shop, sku: str) -> int:
    inventory: inventory_pb2_grpc.InventoryAsyncStub = inventory_pb2_grpc.InventoryStub(shop["inventory"])
    answer = await inventory.ListProducts(inventory_pb2.ListProductsRequest(), timeout=SECONDS)
    return next(product.in_stock for product in answer.products if product.sku == sku)


@pytest.fixture
def storefront(shop: Shop) -> "storefront_pb2_grpc.StorefrontAsyncStub":
    stub: storefront_pb2_grpc.StorefrontAsyncStub = storefront_pb2_grpc.StorefrontStub(shop["storefront"])
    return stub


async def test_a_checkout_goes_through_every_service(
    shop: Shop, storefront: "storefront_pb2_grpc.StorefrontAsyncStub", tmp_path: Path
) -> None:
    before = await stock(shop, "felt-hat")
    order = await storefront.Checkout(checkout("o-1"), timeout=SECONDS)
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert order.total_cents == 8_800
    assert order.payment_version == "v1"
    assert await stock(shop, "felt-hat") == before - 1
    assert PaymentStore(tmp_path / "payments.sqlite").find("o-1").amount_cents == 8_800
    assert ShipmentStore(tmp_path / "shipping.sqlite").find("o-1").tracking_id == order.tracking_id


async def test_the_same_order_twice_is_charged_and_held_once(
    shop: Shop, storefront: "storefront_pb2_grpc.StorefrontAsyncStub"
) -> None:
    before = await stock(shop, "felt-hat")
    first, second = await asyncio.gather(
        storefront.Checkout(checkout("o-2"), timeout=SECONDS), storefront.Checkout(checkout("o-2"), timeout=SECONDS)
    )
    again = await storefront.Checkout(checkout("o-2"), timeout=SECONDS)
    assert first == second == again
    assert await stock(shop, "felt-hat") == before - 1


async def test_a_declined_card_gives_the_goods_back(
    shop: Shop, storefront: "storefront_pb2_grpc.StorefrontAsyncStub"
) -> None:
    before = await stock(shop, "felt-hat")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await storefront.Checkout(checkout("o-3", card="4000-0000"), timeout=SECONDS)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == "payment: card declined: code 51"
    assert await stock(shop, "felt-hat") == before


async def test_an_address_that_nothing_is_carried_to_gives_money_and_goods_back(
    shop: Shop, storefront: "storefront_pb2_grpc.StorefrontAsyncStub", tmp_path: Path
) -> None:
    before = await stock(shop, "felt-hat")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await storefront.Checkout(checkout("o-4", address="nowhere"), timeout=SECONDS)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert PaymentStore(tmp_path / "payments.sqlite").find("o-4").refunded
    assert await stock(shop, "felt-hat") == before


async def test_what_is_sold_out_is_refused_before_any_money_is_taken(
    shop: Shop, storefront: "storefront_pb2_grpc.StorefrontAsyncStub", tmp_path: Path
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await storefront.Checkout(checkout("o-5", skus=("gold-thread",)), timeout=SECONDS)
    assert refused.value.details() == "inventory: gold-thread: 0 in stock, 1 asked for"
    with pytest.raises(KeyError):
        PaymentStore(tmp_path / "payments.sqlite").find("o-5")


async def test_suggestions_come_as_a_stream_best_first(
    storefront: "storefront_pb2_grpc.StorefrontAsyncStub", shop: Shop, tmp_path: Path
) -> None:
    store = RecommendationStore(tmp_path / "recommendations.sqlite")
    store.learn(1_000_001, {"felt-hat", "wool-socks"})
    store.learn(1_000_002, {"felt-hat", "wool-socks", "silk-scarf"})
    found = [one async for one in storefront.Suggest(storefront_pb2.SuggestRequest(sku="felt-hat"), timeout=SECONDS)]
    assert [(one.sku, one.score) for one in found] == [("wool-socks", 2), ("silk-scarf", 1)]


async def test_order_events_are_followed_on_a_bidirectional_stream_and_resumed(
    shop: Shop, storefront: "storefront_pb2_grpc.StorefrontAsyncStub"
) -> None:
    orders: orders_pb2_grpc.OrdersAsyncStub = orders_pb2_grpc.OrdersStub(shop["orders"])
    await storefront.Checkout(checkout("o-6"), timeout=SECONDS)
    first = await next_event(orders, 0)
    assert (first.order_id, first.state) == ("o-6", orders_pb2.ORDER_STATE_PENDING)
    second = await next_event(orders, first.position)
    assert (second.order_id, second.state) == ("o-6", orders_pb2.ORDER_STATE_CONFIRMED)


async def test_a_confirmed_order_is_dispatched_by_shipping_which_follows_the_events(
    storefront: "storefront_pb2_grpc.StorefrontAsyncStub", tmp_path: Path
) -> None:
    await storefront.Checkout(checkout("o-7"), timeout=SECONDS)
    store = ShipmentStore(tmp_path / "shipping.sqlite")
    async with asyncio.timeout(SECONDS):
        while not store.find("o-7").dispatched:
            await asyncio.to_thread(lambda: None)


async def test_a_payments_instance_fails_in_trailers_when_told_and_recovers(shop: Shop) -> None:
    payments: payments_pb2_grpc.PaymentsAsyncStub = payments_pb2_grpc.PaymentsStub(shop["payments"])
    chaos: chaos_pb2_grpc.ChaosAsyncStub = chaos_pb2_grpc.ChaosStub(shop["payments"])
    request = payments_pb2.ChargeRequest(order_id="o-8", card="4242", amount_cents=1)
    await chaos.Fail(chaos_pb2.FailRequest(seconds=60), timeout=SECONDS)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await payments.Charge(request, timeout=SECONDS)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (await chaos.Fail(chaos_pb2.FailRequest(seconds=0), timeout=SECONDS)).failed_calls == 1
    assert (await payments.Charge(request, timeout=SECONDS)).version == "v1"


async def next_event(orders: "orders_pb2_grpc.OrdersAsyncStub", position: int) -> orders_pb2.OrderEvent:
    done = asyncio.Event()

    async def requests() -> AsyncIterator[orders_pb2.FollowRequest]:
        yield orders_pb2.FollowRequest(follower="a-test", position=position)
        await done.wait()

    call = orders.Follow(requests(), timeout=SECONDS)
    try:
        return await anext(aiter(call))
    finally:
        done.set()
        call.cancel()
