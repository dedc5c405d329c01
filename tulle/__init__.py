"""The command line: composes control plane, sidecar, dashboard and demo; each verb imports its needs when it runs."""
