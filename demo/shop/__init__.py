"""The shop's services, each its own folder, and what they share: how one is served and how one calls another."""
