"""The revisioned key-value store that holds all of the control plane's state."""
