"""The engines: sessions, Java, JARs, executors, and all start-up code."""

import os

# Read when Arrow is loaded, so before anything else is imported. Arrow's own allocators give memory
# back and ask for it again from one batch to the next, and the first touch of a page is dear
# (bench/NOTES.md).
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
