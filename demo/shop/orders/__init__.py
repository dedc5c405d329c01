"""Orders, the orchestrator."""
