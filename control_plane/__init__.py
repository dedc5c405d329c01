"""The control plane: store, registry, policy, certificate authority, discovery and telemetry behind one TLS port."""
