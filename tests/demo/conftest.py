"""The whole shop in one process: every service on a port of its own, calling the others straight."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import grpc.aio
import pytest

from demo.shop.inventory import server as inventory
from demo.shop.orders import server as orders
from demo.shop.payments import server as payments
from demo.shop.recommendations import server as recommendations
from demo.shop.serving import ServiceFlags
from demo.shop.shipping import server as shipping
from demo.shop.storefront import server as storefront

LEAVES_FIRST = (
    ("inventory", inventory),
    ("payments", payments),
    ("shipping", shipping),
    ("orders", orders),
    ("recommendations", recommendations),
    ("storefront", storefront),
)


@dataclass(frozen=True)
class StraightFlags(ServiceFlags):
    """Flags whose upstreams are addresses: there is no mesh to find names in."""

    addresses: dict[str, str]

    def upstream(self, service: str) -> str:
        return self.addresses[service]


Shop = dict[str, grpc.aio.Channel]
"""A channel to each service, by its name."""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    addresses: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        servers = {name: grpc.aio.server() for name, _ in LEAVES_FIRST}
        # Bound before any is registered: shipping and orders call one another.
        for name, server in servers.items():
            addresses[name] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        for name, module in LEAVES_FIRST:
            await _register(name, module, servers[name], StraightFlags(name, 0, tmp_path, "v1", "", addresses), stack)
        for server in servers.values():
            await server.start()
            stack.push_async_callback(server.stop, 0)
        yield {
            name: await stack.enter_async_context(grpc.aio.insecure_channel(address))
            for name, address in addresses.items()
        }


async def _register(
    name: str, module: ModuleType, server: grpc.aio.Server, flags: ServiceFlags, stack: AsyncExitStack
) -> None:
    at_stop = await module.register(server, flags)
    if at_stop is not None:
        stack.push_async_callback(at_stop)
