"""asyncio without OpenSSL, for the verbs that stay beside an application: 4 MiB less an instance.

Nothing that a sidecar does in Python speaks TLS: gRPC and the engine have their own. asyncio itself goes without where
Python was built without `ssl` (each of its imports is guarded), which is the state that it is brought into here.
"""

import sys


def import_asyncio_without_ssl() -> None:
    """Import asyncio so that it finds no `ssl`; whoever imports `ssl` later gets it. No-op where either is loaded."""
    if "asyncio" in sys.modules or "ssl" in sys.modules:
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        import asyncio  # noqa: F401
    finally:
        del sys.modules["ssl"]
