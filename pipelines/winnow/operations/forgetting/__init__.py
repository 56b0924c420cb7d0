"""The rows of some users go from all releases, and no other row changes."""
