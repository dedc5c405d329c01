"""Load: shoppers who come at a fixed rate, whether they are served or not."""
