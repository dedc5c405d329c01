"""Storefront, what a shopper's browser would call."""
