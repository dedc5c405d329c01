"""The certificate authority, join tokens and their gRPC face."""
