"""Files as source rows: listed and looked at before any engine reads them, then read."""
