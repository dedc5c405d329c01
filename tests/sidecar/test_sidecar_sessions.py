"""What a sidecar says while its stream to the control plane does not work."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest

from sidecar.backoff import Backoff
from sidecar.link import Link
from sidecar.sessions import KeptOpen, Proved
from tests.sidecar.clocks import ManualClock
from tests.sidecar.stand_in_engine import StandInEngine


def error(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


async def said_over(
    seconds: float, failure: grpc.aio.AioRpcError, identity_dir: Path, caplog: pytest.LogCaptureFixture
) -> list[tuple[int, str]]:
    """What is logged while every stream ends with `failure`."""

    async def session(channel: grpc.aio.Channel, proved: Proved) -> None:
        raise failure

    caplog.set_level(logging.INFO)
    clock, link = ManualClock(0.0), Link("127.0.0.1:7443", identity_dir)
    kept = KeptOpen("registration", link, Backoff(timedelta(seconds=1), timedelta(seconds=3)), clock, Random(1))
    task: asyncio.Task[Any] = asyncio.create_task(kept.run(session))
    while clock.now() < seconds:
        await asyncio.wait_for(clock.wake(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await link.close()
    return [(record.levelno, record.getMessage()) for record in caplog.records if record.name == "sidecar.sessions"]


async def test_a_refusal_that_waiting_does_not_mend_is_said_again_each_minute(
    joined: StandInEngine, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = error(grpc.StatusCode.INVALID_ARGUMENT, "label 'a b' is not allowed")
    said = await said_over(130, refusal, joined.identity_dir, caplog)
    assert [level for level, _ in said] == [logging.ERROR] * 3
    assert said[0][1] == (
        "registration: the control plane at 127.0.0.1:7443 refuses: INVALID_ARGUMENT: label 'a b' is not allowed; "
        "it stays so until that is mended"
    )


async def test_a_lost_control_plane_is_said_once(joined: StandInEngine, caplog: pytest.LogCaptureFixture) -> None:
    said = await said_over(130, error(grpc.StatusCode.UNAVAILABLE, "refused"), joined.identity_dir, caplog)
    assert [level for level, _ in said] == [logging.WARNING]
