"""Spellings of a path that a lax comparison takes for the allowed one (CVE-2026-33186)."""

import grpc

from tests.abuse.ring import Ring
from tests.conformance.lane import CALLER
from tests.support.mesh import NAMESPACE, TRUST_DOMAIN

ALLOWED = "/echo.v1.Echo/Unary"
DENIED = str(grpc.StatusCode.PERMISSION_DENIED.value[0])
SPELLINGS = (
    "//echo.v1.Echo/Unary",
    "/echo.v1.Echo//Unary",
    "/echo.v1.Echo/Unary/",
    "/echo.v1.Echo/unary",
    "/Echo.v1.Echo/Unary",
    "/%65cho.v1.Echo/Unary",
    "/echo.v1.Echo/%55nary",
    "/echo.v1.Echo%2FUnary",
    "/./echo.v1.Echo/Unary",
    "/x/../echo.v1.Echo/Unary",
    "/echo.v1.Echo/Unary?",
    "/echo.v1.Echo/Unary?x=/echo.v1.Echo/Unary",
    "/echo.v1.Echo/Unary#",
    "/echo.v1.Echo/Unary;x",
    "/echo.v1.Echo/UnaryX",
    "/echo.v1.Echo/",
    "/echo.v1.Echo",
    "/",
)


def allow_exactly(ring: Ring, *methods: str) -> None:
    """The caller may call these methods of the echo service, and no others; acknowledged by every sidecar."""
    names = ", ".join(f'"{method.removeprefix("/")}"' for method in methods)
    ring.lane.apply(
        f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: echo-callers, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: echo}}]
  action: Allow
  rules:
  - from: [{{identity: "spiffe://{TRUST_DOMAIN}/{NAMESPACE}/{CALLER}"}}]
    to: [{{methods: [{names}]}}]
"""
    )
