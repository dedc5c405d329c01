"""Shipping, parcels for orders."""
