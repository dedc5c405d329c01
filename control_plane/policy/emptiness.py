"""Why a cluster has no endpoints, as callers are told it: nothing is registered, or what is registered is unwell."""

from collections.abc import Mapping, Sequence

from protos.tulle.v1 import registry_pb2


def why_empty(instances: Sequence[registry_pb2.Instance], labels: Mapping[str, str]) -> str:
    """Of a cluster that takes those of a service's `instances` that carry `labels`, and found none to send calls to."""
    if not instances:
        return "no instance is registered; start one with 'tulle run', or correct the name"
    fitting = [one for one in instances if labels.items() <= one.labels.items()]
    if not fitting:
        wanted = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))
        return f"no registered instance carries the subset's labels {wanted}"
    starting = [one for one in fitting if one.starting]
    if not starting:
        return "registered without an identity, which plaintext in the Mesh document does not permit"
    first = starting[0]
    if len(fitting) == 1:
        return f"registered, but its application is not healthy: {first.unhealthy_reason}"
    return f"{len(fitting)} are registered, but no application is healthy: {first.id}: {first.unhealthy_reason}"
