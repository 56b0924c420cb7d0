"""Loading and compiling ahead of need, so that a build need not wait for it."""
