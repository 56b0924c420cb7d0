"""Loops over arrays, compiled, that know nothing of logs and samples."""
