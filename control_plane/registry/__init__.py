"""Which instances of which service exist: registrations, the leases that keep them, the health seen beside them."""
