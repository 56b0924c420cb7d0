"""The config: one frozen tree, unknown keys refused, read once."""
