"""Recommendations, learned from the orders' events."""
