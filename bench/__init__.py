"""Measured side by side with other proxies: the same calls, the same cores, one run."""
