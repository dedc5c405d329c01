"""A workload CA and the other side of the wire, for each test anew."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protos.tulle.v1 import engine_pb2
from sidecar.engine import Engine
from tests.sidecar.authority import Authority
from tests.sidecar.other_side import OtherSide
from tests.sidecar.stand_in_engine import StandInEngine


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def other_side(authority: Authority) -> AsyncIterator[OtherSide]:
    started = await OtherSide(authority).start()
    yield started
    await started.stop()


@pytest.fixture
def engine(tmp_path: Path) -> StandInEngine:
    return StandInEngine(tmp_path / "identity")


@pytest.fixture
async def real_engine(tmp_path: Path, authority: Authority) -> Engine:
    """Joined as shop/payments, not started."""
    config = engine_pb2.EngineConfig(
        service="shop/payments",
        instance="payments-1",
        outbound_listen="127.0.0.1:0",
        identity_dir=str(tmp_path / "engine"),
        workers=1,
    )
    engine = Engine(config)
    chain = authority.svid(await engine.create_csr(), "spiffe://shop.local/shop/payments")
    await engine.set_identity(chain, authority.root_pem)
    return engine


@pytest.fixture
async def joined(engine: StandInEngine, authority: Authority) -> StandInEngine:
    chain = authority.svid(await engine.create_csr(), "spiffe://shop.local/shop/payments")
    await engine.set_identity(chain, authority.root_pem)
    return engine
