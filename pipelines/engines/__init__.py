"""Where engines differ, and how much of the work fits into one of them at a time."""
