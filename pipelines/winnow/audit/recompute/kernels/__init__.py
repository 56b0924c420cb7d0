"""Compiled loops of the audit: what was drawn user by user, and where a list has an item."""
