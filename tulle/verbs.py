"""The verbs, as one visible list: what `tulle --help` shows, and where each is found when it runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """`path` is what is typed ("token create"); `module` under tulle.commands has the `function`."""

    path: str
    module: str
    function: str
    summary: str


VERBS = (
    Verb("demo", "demo", "demo", "Run the shop here: control plane, services with sidecars, load, dashboard."),
    Verb("control-plane", "control_plane", "control_plane", "Run a control plane."),
    Verb("sidecar", "sidecar", "sidecar", "Run a sidecar beside a service that is started elsewhere."),
    Verb("run", "run", "run", "Run a command beside its own sidecar."),
    Verb("dashboard", "dashboard", "dashboard", "Run the dashboard."),
    Verb("apply", "apply", "apply", "Write policy documents as one revision, or none of them."),
    Verb("get", "get", "get", "List policy documents, or services' instances and proxies."),
    Verb("describe", "describe", "describe", "Show the policy in force for a service, each value with its origin."),
    Verb("delete", "delete", "delete", "Delete policy documents."),
    Verb("history", "history", "history", "List revisions: who wrote what, when and why."),
    Verb("status", "status", "status", "Show services, instances and proxies at a glance."),
    Verb("stat", "stat", "stat", "Show golden metrics: rate, faults and latency by caller, target and method."),
    Verb(
        "check", "check", "check", "Check environment, control plane, identity, data plane, configuration, telemetry."
    ),
    Verb("token create", "token", "create", "Make a join token for one instance of a service."),
    Verb("protos generate", "protos", "generate", "Make stubs for your own .proto files."),
    Verb("completion", "completion", "completion", "Print the completion script of a shell."),
    Verb("version", "version", "version", "Show the version."),
)

GROUPS = {
    "token": "Join tokens.",
    "protos": "Your own .proto files.",
}
