"""Streaming frequency estimation: how likely items are in batches, told from gaps between steps."""
