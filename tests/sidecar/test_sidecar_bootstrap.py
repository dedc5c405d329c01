"""Getting in with a join token, once; every other way is one clear error."""

from datetime import timedelta
from pathlib import Path

import pytest

from sidecar.bootstrap import establish
from sidecar.clock import SystemClock
from sidecar.config import SidecarConfig
from sidecar.errors import (
    ControlPlaneUnreachableError,
    ForeignStateError,
    InvalidSettingError,
    InvalidTokenError,
    NotJoinedError,
    SidecarError,
    TokenRefusedError,
)
from sidecar.state import State
from tests.sidecar.authority import Authority, text
from tests.sidecar.other_side import OtherSide
from tests.sidecar.stand_in_engine import StandInEngine

SERVICE = "shop/payments"


async def join(engine: StandInEngine, folder: Path, token: str | None = None, service: str = SERVICE) -> str:
    with State(folder) as state:
        return await establish(SidecarConfig(service=service, token=token), state, engine, SystemClock())


async def test_a_token_joins_and_its_address_is_remembered(
    engine: StandInEngine, tmp_path: Path, authority: Authority, other_side: OtherSide
) -> None:
    token = text(authority.token(SERVICE, other_side.address))
    assert await join(engine, tmp_path, token) == other_side.address
    in_force = engine.identity()
    assert in_force is not None
    assert in_force.spiffe_id == "spiffe://shop.local/shop/payments"
    assert await join(engine, tmp_path) == other_side.address, "a restart needs no token"


async def test_a_token_from_a_file_joins(
    engine: StandInEngine, tmp_path: Path, authority: Authority, other_side: OtherSide
) -> None:
    file = tmp_path / "token"
    file.write_text(text(authority.token(SERVICE, other_side.address)) + "\n")
    with State(tmp_path / "state") as state:
        config = SidecarConfig(service=SERVICE, token_file=file)
        await establish(config, state, engine, SystemClock())
    assert engine.identity() is not None


async def refusal(
    kind: type[SidecarError], engine: StandInEngine, folder: Path, token: str | None, service: str = SERVICE
) -> str:
    with pytest.raises(kind) as refused:
        await join(engine, folder, token, service)
    assert engine.identity() is None or kind is ForeignStateError
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def test_a_used_token_is_refused(
    engine: StandInEngine, tmp_path: Path, authority: Authority, other_side: OtherSide
) -> None:
    token = text(authority.token(SERVICE, other_side.address))
    await join(StandInEngine(tmp_path / "other"), tmp_path / "first", token)
    assert "the token has been used" in await refusal(TokenRefusedError, engine, tmp_path, token)


@pytest.mark.parametrize("mangled", ["", "?", "abc", "AAAA" * 20, "spiffe://x"])
async def test_a_mangled_token_is_refused(engine: StandInEngine, tmp_path: Path, mangled: str) -> None:
    assert "mangled" in await refusal(InvalidTokenError, engine, tmp_path, mangled)


async def test_half_a_token_is_refused(engine: StandInEngine, tmp_path: Path, authority: Authority) -> None:
    token = text(authority.token(SERVICE, "127.0.0.1:1"))
    assert "mangled" in await refusal(InvalidTokenError, engine, tmp_path, token[: len(token) // 2])


async def test_an_expired_token_says_so(engine: StandInEngine, tmp_path: Path, authority: Authority) -> None:
    token = text(authority.token(SERVICE, "127.0.0.1:1", life=timedelta(seconds=-1)))
    assert "expired at" in await refusal(InvalidTokenError, engine, tmp_path, token)


async def test_another_services_token_is_refused(engine: StandInEngine, tmp_path: Path, authority: Authority) -> None:
    token = text(authority.token("shop/orders", "127.0.0.1:1"))
    told = await refusal(InvalidTokenError, engine, tmp_path, token)
    assert "shop/orders" in told
    assert SERVICE in told


async def test_a_token_of_another_control_plane_is_refused(
    engine: StandInEngine, tmp_path: Path, other_side: OtherSide
) -> None:
    token = text(Authority().token(SERVICE, other_side.address))
    assert "do not know one another" in await refusal(TokenRefusedError, engine, tmp_path, token)


async def test_an_absent_control_plane_is_named(
    engine: StandInEngine, tmp_path: Path, authority: Authority, other_side: OtherSide
) -> None:
    await other_side.stop()
    token = text(authority.token(SERVICE, other_side.address))
    told = await refusal(ControlPlaneUnreachableError, engine, tmp_path, token)
    assert other_side.address in told
    assert "--control-plane" in told


async def test_without_identity_and_token_the_remedy_is_told(engine: StandInEngine, tmp_path: Path) -> None:
    assert "tulle token create shop/payments" in await refusal(NotJoinedError, engine, tmp_path, None)


async def test_another_services_state_is_refused(joined: StandInEngine, tmp_path: Path) -> None:
    told = await refusal(ForeignStateError, joined, tmp_path, None, service="shop/orders")
    assert "spiffe://shop.local/shop/payments" in told


async def test_an_unreadable_token_file_is_named(engine: StandInEngine, tmp_path: Path) -> None:
    with State(tmp_path / "state") as state:
        config = SidecarConfig(service=SERVICE, token_file=tmp_path / "absent")
        with pytest.raises(InvalidSettingError, match="--token-file"):
            await establish(config, state, engine, SystemClock())


def test_a_state_folder_serves_one_sidecar_at_a_time(tmp_path: Path) -> None:
    with State(tmp_path), pytest.raises(ForeignStateError, match="in use by another sidecar"), State(tmp_path):
        pass
    with State(tmp_path) as again:
        assert again.instance(None, SERVICE) == again.instance(None, SERVICE)
