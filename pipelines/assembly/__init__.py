"""Frames to tables: attribution, events, the one shuffle, sample groups, and their projections."""
