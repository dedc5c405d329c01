"""Payments, takes money and gives it back."""
