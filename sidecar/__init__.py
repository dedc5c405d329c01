"""The agent beside a service: bootstrap, discovery, identity, health, telemetry; the engine carries the calls."""
