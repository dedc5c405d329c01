"""Discovery: whole snapshots pushed to sidecars, the latest wins, each answered by ACK or NACK."""
