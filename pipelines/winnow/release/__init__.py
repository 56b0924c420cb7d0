"""Tables out: staged, promoted, released as one unit, verified, and read back by version."""
