"""Delta tables as logs: one version, checked by us, read by the engine."""
