"""Releases written as files that other trainers read; no engine is needed."""
