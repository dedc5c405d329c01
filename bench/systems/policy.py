"""How much policy ours runs with: off (as little as the engine takes), the same with a second upstream connection
(split), the default, all that there is.

All has a route that is split in two: a second server, hence a second connection, for which any proxy pays in system
calls. `split` is what to hold it beside.
"""

from typing import Literal

from bench.certificates import CLIENT_ID, TRUST_DOMAIN
from bench.systems.base import AUTHORITY, IN_FLIGHT, STREAMS

Policy = Literal["off", "split", "default", "all"]
NAME, NAMESPACE = AUTHORITY.split(".")
BARE: tuple[Policy, ...] = ("off", "split")  # no telemetry, no policy
TRACES: dict[Policy, float] = {"off": 0.0, "split": 0.0, "default": 0.01, "all": 1.0}

# Every peer's limits are raised in the same way: a refusal is no figure.
_ROOM = f"""
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: room, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: {NAME}}}]
  circuitBreaker: {{maxConnections: {IN_FLIGHT}, maxPending: {IN_FLIGHT}, maxRequests: {IN_FLIGHT}}}
"""
_OPEN = f"""
apiVersion: tulle.dev/v1
kind: Mesh
metadata: {{name: bench, namespace: default}}
spec: {{trustDomain: {TRUST_DOMAIN}, mode: open}}
"""
_ACCESS = f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: load, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: {NAME}}}]
  action: Allow
  rules: [{{from: [{{identity: "{CLIENT_ID}"}}]}}]
"""
_MORE = f"""
apiVersion: tulle.dev/v1
kind: AccessPolicy
metadata: {{name: strangers, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: Service, name: {NAME}}}]
  action: Deny
  rules:
    - from: [{{identity: "spiffe://{TRUST_DOMAIN}/elsewhere/*"}}]
    - from: [{{identity: "spiffe://{TRUST_DOMAIN}/{NAMESPACE}/stranger"}}]
      to: [{{methods: ["{NAMESPACE}.Echo/*"]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {{name: {NAME}, namespace: {NAMESPACE}}}
spec:
  parentRefs: [{{kind: Service, name: {NAME}}}]
  rules:
    - name: canary
      matches: [{{method: {{service: {NAMESPACE}.Echo}}, headers: [{{name: x-canary, value: "yes"}}]}}]
    - name: echo
      matches: [{{method: {{service: {NAMESPACE}.Echo}}}}]
---
apiVersion: tulle.dev/v1
kind: TrafficPolicy
metadata: {{name: carried, namespace: {NAMESPACE}}}
spec:
  targetRefs: [{{kind: GRPCRoute, name: {NAME}}}]
  timeouts: {{request: 10s, perTry: 5s}}
  retry: {{attempts: 3, "on": [UNAVAILABLE, RESOURCE_EXHAUSTED], idempotent: true}}
"""

_DOCUMENTS: dict[Policy, tuple[str, ...]] = {
    "off": (_ROOM, _OPEN),
    "split": (_ROOM, _OPEN),
    "default": (_ROOM, _ACCESS),
    "all": (_ROOM, _ACCESS, _MORE),
}


def documents(policy: Policy) -> str:
    """What is applied to the pair's control plane, as YAML."""
    return "---".join(_DOCUMENTS[policy])


def sidecar_flags(policy: Policy) -> list[str]:
    """What the pair's sidecars are started with besides."""
    streams = ["--limit", f"max_concurrent_streams={STREAMS}"]
    return [*streams, "--no-otlp"] if policy in BARE else streams


def sidecar_environment(policy: Policy) -> dict[str, str]:
    """OpenTelemetry's own variables."""
    return {"OTEL_TRACES_SAMPLER": "always_on"} if policy == "all" else {}
