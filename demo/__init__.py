"""A shop of small gRPC services that know nothing of the mesh, with policies, load and chaos."""
