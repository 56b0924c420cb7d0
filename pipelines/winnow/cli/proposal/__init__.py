"""A config proposed for logs that are there: which folder is which log, which column is what."""
