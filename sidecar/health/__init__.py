"""Whether the application beside this sidecar is well: asked by grpc.health.v1, judged, and told."""
