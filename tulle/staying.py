"""The verbs that stay as long as an application: what they do with their flags. Nothing here knows typer."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sidecar.address import LOOPBACK_NAME
from sidecar.app import serve
from sidecar.errors import SidecarError
from tulle.logs import log_to_stderr
from tulle.sidecar_settings import build, explain, places


def stay_as_sidecar(given: Mapping[str, Any]) -> None:
    """`tulle sidecar`: until SIGTERM. Raises TulleError."""
    from tulle.ready import print_ready
    from tulle.stopping import stop_on_signals

    config = build(given, given["application"])

    async def main() -> None:
        await serve(config, lambda bound: print_ready("sidecar", places(bound, config)), stop_on_signals())

    log_to_stderr()
    try:
        asyncio.run(main())
    except SidecarError as error:
        raise explain(error) from error


def stay_beside(given: Mapping[str, Any]) -> int:
    """`tulle run`: as long as its command, whose exit code it gives. Raises TulleError."""
    import os

    from tulle.command_environment import Capture
    from tulle.runner import find_command, run_beside

    port, command = given["port"], given["command"]
    config = build(given, f"{LOOPBACK_NAME}:{port}" if port else None)
    find_command(command)
    log_to_stderr()
    capture = Capture.HTTPS_TOO if given["https_proxy"] else Capture.GRPC
    try:
        exited = asyncio.run(run_beside(config, command, capture, os.environ))
    except SidecarError as error:
        raise explain(error) from error
    return exited.code
