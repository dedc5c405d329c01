"""Response headers that keep the browser honest: content security policy and its neighbours."""

from collections.abc import Iterable

Header = tuple[bytes, bytes]


def security_headers(script_hashes: Iterable[str]) -> list[Header]:
    """Headers for every answer. ``script_hashes`` are the quoted sha256 sources of Dash's inline scripts.

    Inline styles stay allowed: Mantine, plotly and ag-grid set them at run time, where no hash can be known.
    """
    policy = "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        # Not "no-referrer": that makes the Origin of a posted form "null" (Fetch, "append a request Origin header").
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    ]
