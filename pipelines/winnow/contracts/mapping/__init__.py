"""Source columns bound to contract columns, and their values as contract types."""
