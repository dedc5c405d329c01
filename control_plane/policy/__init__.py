"""Policy: documents in, revisions kept, a snapshot out for each workload."""
