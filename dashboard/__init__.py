"""The dashboard: telemetry and state of the control plane as live pages in a browser."""
