"""The verbs that stay go without OpenSSL in Python; what needs it later still gets it."""

import subprocess
import sys


def told(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_staying_verb_loads_no_openssl() -> None:
    program = (
        "import sys\n"
        "from tulle.lean import import_asyncio_without_ssl\n"
        "import_asyncio_without_ssl()\n"
        "import tulle.staying, sidecar.engine\n"
        "print([name for name in ('ssl', '_ssl', '_hashlib') if name in sys.modules])"
    )
    assert told(program) == ["[]"]


def test_whoever_needs_ssl_later_gets_it() -> None:
    program = (
        "from tulle.lean import import_asyncio_without_ssl\n"
        "import_asyncio_without_ssl()\n"
        "import asyncio, ssl, urllib.request\n"
        "print(ssl.create_default_context().protocol.name, asyncio.run(asyncio.sleep(0, 'runs')))"
    )
    assert told(program) == ["PROTOCOL_TLS_CLIENT", "runs"]


def test_where_ssl_is_loaded_already_nothing_is_changed() -> None:
    program = (
        "import ssl\n"
        "from tulle.lean import import_asyncio_without_ssl\n"
        "import_asyncio_without_ssl()\n"
        "import asyncio.sslproto\n"
        "print(asyncio.sslproto.ssl is ssl)"
    )
    assert told(program) == ["True"]
