"""Which files a log consists of, and which dates their folders stand for."""
