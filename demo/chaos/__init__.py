"""Chaos: one payments instance fails for a while, recovers, and fails again."""
