"""Telemetry: OTLP in, an embedded store of metrics, traces and events, and what is asked of it."""
