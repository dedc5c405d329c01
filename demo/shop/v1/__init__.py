"""The shop's contract: generated stubs."""
