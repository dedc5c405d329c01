"""`tulle dashboard`."""

from pathlib import Path
from typing import Annotated

import typer

from protos import names
from tulle.options import Credentials


def dashboard(
    credentials: Credentials = None,
    host: Annotated[str, typer.Option(help="address to listen on; others than loopback need TLS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")] = names.DASHBOARD_PORT,
    data: Annotated[Path, typer.Option(help="folder of the sign-in token, kept across restarts; mode 0700")] = Path(
        ".tulle/dashboard"
    ),
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="plaintext on an address that others reach")] = False,
) -> None:
    """Run the dashboard. Prints one link to click when it is ready; SIGTERM stops it."""
    import os

    from dashboard.app import DashboardConfig, serve
    from dashboard.errors import DashboardError
    from tulle.credential import find
    from tulle.errors import UsageProblem
    from tulle.logs import log_to_stderr
    from tulle.ready import print_ready

    log_to_stderr()
    try:
        config = DashboardConfig(
            credential=find(credentials, Path.cwd(), os.environ),
            session_dir=data,
            host=host,
            port=port,
            insecure=insecure,
            tls_certificate=tls_certificate,
            tls_key=tls_key,
        )
        serve(config, lambda link: print_ready("dashboard", {"url": link}))
    except DashboardError as error:
        raise UsageProblem(str(error)) from error
