"""`tulle demo`."""

from pathlib import Path
from typing import Annotated

import typer

from protos import names
from tulle.options import Quiet


def demo(  # noqa: PLR0913, PLR0917 - a parameter a flag
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help=f"the dashboard's; default {names.DASHBOARD_PORT} or the next free one"),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=2000, help="calls a second")] = 20.0,
    load: Annotated[bool, typer.Option("--load/--no-load", help="whether anybody goes shopping")] = True,
    chaos: Annotated[bool, typer.Option("--chaos", help="make one payments instance fail, again and again")] = False,
    duration: Annotated[
        str, typer.Option("--for", help="stop after so long, as in 30s; default: when you stop it")
    ] = "",
    data: Annotated[Path, typer.Option(help="folder for everything; made anew at each start")] = Path(".tulle/demo"),
    keep: Annotated[bool, typer.Option("--keep", help="go on with the data of the last run")] = False,
    quiet: Quiet = False,
) -> None:
    """Run the shop here: control plane, services with sidecars, load, dashboard. Ctrl-C stops all of it."""
    import asyncio
    from dataclasses import asdict
    from datetime import timedelta

    from tulle.demo_folder import Before
    from tulle.demo_run import Demo, DemoSettings, Ready
    from tulle.durations import parse_duration
    from tulle.free_ports import first_free
    from tulle.output import say
    from tulle.ready import print_ready

    seconds = (
        parse_duration("--for", duration, timedelta(seconds=1), timedelta(days=1)).total_seconds() if duration else 0
    )
    chosen = first_free(names.DASHBOARD_PORT) if port is None else port
    if port is None and chosen != names.DASHBOARD_PORT:
        say(f"port {names.DASHBOARD_PORT} is taken: the dashboard gets {chosen}", quiet=quiet)

    def ready(places: Ready) -> None:
        print_ready("demo", asdict(places))
        say("Ctrl-C stops everything", quiet=quiet)

    settings = DemoSettings(
        data=data,
        before=Before.KEEP if keep else Before.DELETE,
        port=chosen,
        rate=rate if load else 0.0,
        chaos=chaos,
        seconds=seconds,
    )
    asyncio.run(Demo(settings, lambda line: say(line, quiet=quiet), ready).run())
