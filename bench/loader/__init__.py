"""What the loader costs, beside a bare scan of the same columns."""
