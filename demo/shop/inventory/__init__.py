"""Inventory, what the shop has and what is held."""
